/** The overflow menu, also used for the page's own menus. */
import { h } from "./dom.js";
import { openLink, press } from "./place.js";
import { textOf } from "./text.js";

/** @typedef {import("./place.js").Place} Place */

/** @param {any} element @param {any} block @param {Place} place */
export function overflow(element, block, place) {
  const entries = element.options.map((option) => ({
    label: textOf(option.text),
    hint: option.description ? textOf(option.description) : [],
    run: () => {
      openLink(option.url);
      return press(place, block, element, option.value);
    },
  }));
  return menu({ label: "More actions", face: "⋯", entries, focus: `${block.block_id}/${element.action_id}` });
}

/**
 * @param {{label: string, face: (string | Node), entries: {label: (Node | string)[] | string, hint?: (Node | string)[] | string, run: () => any}[],
 *   focus?: string, kind?: string}} how
 * @returns {HTMLElement}
 */
export function menu({ label, face, entries, focus, kind = "button button-dots" }) {
  const list = h("ul", { class: "menu", role: "menu", hidden: true, "aria-label": label });
  const opener = h("button", { class: kind, type: "button", "aria-label": label, "aria-haspopup": "menu", "aria-expanded": "false",
    data: { focus: focus ?? label }, on: { click: () => show(list.hidden) } }, face);
  const box = h("span", { class: "menu-box", on: { keydown: onKey, focusout: (event) => box.contains(event.relatedTarget) || show(false) } }, opener, list);
  list.append(...entries.map((entry) => h("li", { role: "none" },
    h("button", { role: "menuitem", type: "button", tabindex: "-1", on: { click: () => { show(false); entry.run(); } } },
      h("span", {}, ...[entry.label].flat()), entry.hint?.length ? h("span", { class: "choice-description" }, ...[entry.hint].flat()) : null))));

  function show(isOpen) {
    list.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    const place = opener.getBoundingClientRect();
    list.style.left = `${Math.max(8, Math.min(place.left, window.innerWidth - list.offsetWidth - 8))}px`;
    const isLow = place.bottom + list.offsetHeight > window.innerHeight - 8;
    list.style.top = `${isLow ? place.top - list.offsetHeight - 4 : place.bottom + 4}px`;
    list.querySelector("button")?.focus();
  }

  function onKey(event) {
    const buttons = [...list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      show(false);
      opener.focus();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !list.hidden) {
      event.preventDefault();
      buttons[(at + (event.key === "ArrowDown" ? 1 : -1) + buttons.length) % buttons.length]?.focus();
    }
  }
  return box;
}
