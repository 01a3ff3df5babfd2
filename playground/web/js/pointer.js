/** The ring around what the show presses next. Without motion for people who prefer less of it. */

/** @type {Element | null} */
let pointed = null;

export const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export const isPointing = () => pointed !== null;

/** @param {Element} node */
export function point(node) {
  unpoint();
  pointed = node;
  node.classList.add("is-pointed");
  node.scrollIntoView({ block: "nearest", behavior: isCalm() ? "auto" : "smooth" });
}

export function unpoint() {
  pointed?.classList.remove("is-pointed");
  pointed = null;
}
