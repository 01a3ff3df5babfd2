/** The running time of a build, drawn twice a second in the page. */
import { h } from "./dom.js";
import { now } from "./state.js";
import { span } from "./when.js";

const EVERY_MS = 500;

/** @param {any} build @returns {HTMLElement} */
export function clockOf(build) {
  const node = h("div", { class: "build-clock" }, h("progress", { max: 100, value: 0, "aria-label": "Progress" }), h("span", {}));
  node.build = build;
  return node;
}

export function drawClocks() {
  for (const node of document.querySelectorAll(".build-clock")) drawClock(node);
}

export function runClocks() {
  setInterval(drawClocks, EVERY_MS);
}

/** @param {any} node */
function drawClock(node) {
  const { build } = node;
  const [bar, text] = node.children;
  const since = build.started_at ?? build.triggered_at;
  const ran = Math.max(0, (now() - since) / 1000);
  bar.value = build.started_at && build.planned_seconds ? Math.min(100, (ran / build.planned_seconds) * 100) : 0;
  text.textContent = build.started_at ? `${span(ran)}${planned(build)}${stepAt(build, ran)}` : `Queued for ${span(ran)}`;
}

/** @param {any} build */
const planned = (build) => (build.planned_seconds ? ` of ${span(build.planned_seconds)}` : ", until you finish it");

/** Its steps share its time evenly. @param {any} build @param {number} ran */
function stepAt(build, ran) {
  if (!build.planned_seconds || !build.steps.length) return "";
  const at = Math.min(build.steps.length - 1, Math.floor((ran / build.planned_seconds) * build.steps.length));
  return ` · ${build.steps[at]}`;
}
