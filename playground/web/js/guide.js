/** The checklist of things to try. */
import { fill, h, keepFocus } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { showSetup } from "./setup.js";
import { section, watch } from "./state.js";

const FOLDED = "buildbell-guide-folded";
const NARROW = 620;
const node = h("section", { class: "guide", "aria-label": "Guide" });
/** @type {string | null} */
let open = null;
let doneBefore = 0;

export function watchGuide() {
  watch(["guide"], draw);
}

/** @returns {HTMLElement} the one guide, wherever it stands now */
export const guideNode = () => node;

function draw() {
  const steps = section("guide");
  if (!steps) return;
  const isFolded = folded();
  const done = steps.filter((step) => step.is_done).length;
  if (done > doneBefore) open = null; // after a finished step, show the next one
  doneBefore = done;
  const next = steps.find((step) => !step.is_done);
  const shown = steps.find((step) => step.id === open) ?? next ?? steps.at(-1);
  keepFocus(node, () => fill(node,
    h("button", { class: "guide-head", type: "button", "aria-expanded": String(!isFolded), data: { focus: "guide" }, on: { click: fold } },
      h("strong", {}, done === steps.length ? "All done" : "Try this"), h("span", {}, ` ${done} of ${steps.length}`), h("span", { class: "guide-fold", "aria-hidden": "true" }, isFolded ? "▴" : "▾")),
    isFolded ? null : h("div", { class: "guide-inside" },
      h("ol", {}, ...steps.map((step) => tick(step, step.id === shown?.id))),
      shown ? h("p", {}, h("strong", {}, shown.title, shown.is_done ? " ✓" : ""), h("br"), ...mrkdwn(shown.text)) : null,
      shown?.id === "setup" ? h("button", { class: "button button-small button-primary", type: "button", data: { focus: "guide-open-setup" }, on: { click: showSetup } }, "Set it up in your Slack") : null)));
}

/** @param {any} step @param {boolean} isShown */
function tick(step, isShown) {
  const show = () => {
    open = step.id;
    draw();
  };
  return h("li", { class: step.is_done ? "is-done" : "", data: { step: step.id } },
    h("button", { class: "tick", type: "button", title: step.title, "aria-label": `${step.title}, ${step.is_done ? "done" : "to do"}`, "aria-pressed": String(isShown),
      data: { focus: `guide-${step.id}` }, on: { click: show } }, step.is_done ? "✓" : ""));
}

/** Collapse it on a small screen. */
const folded = () => (sessionStorage.getItem(FOLDED) ?? (window.innerWidth <= NARROW ? "yes" : "no")) === "yes";

function fold() {
  sessionStorage.setItem(FOLDED, folded() ? "no" : "yes");
  draw();
}
