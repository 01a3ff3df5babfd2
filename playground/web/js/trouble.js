/** Faults: switches that last, and buttons that happen once. */
import { act } from "./api.js";
import { fill, h, keepFocus } from "./dom.js";
import { section, watch } from "./state.js";
import { toast } from "./toast.js";

const SIDES = { slack: "Slack", bitrise: "Bitrise", bot: "Bot" };

/** @returns {HTMLElement} */
export function troublePanel() {
  const panel = h("div", { class: "troubles" });
  watch(["stage"], () => keepFocus(panel, () => draw(panel)));
  return panel;
}

/** @param {HTMLElement} panel */
function draw(panel) {
  const stage = section("stage");
  if (!stage) return;
  const { switches, onces } = stage.troubles;
  fill(panel, h("p", { class: "hint" }, "Break something and see how the bot recovers."),
    ...Object.entries(SIDES).map(([side, label]) => h("section", { "aria-label": label }, h("h3", {}, label),
      ...switches.filter((each) => each.side === side).map(switchNode),
      h("div", { class: "build-buttons" }, ...onces.filter((each) => each.side === side && fits(each, stage)).map(onceNode)))));
}

/** Only a stopped bot can be started, only a running one killed. @param {any} once @param {any} stage */
const fits = (once, stage) => once.side !== "bot" || (once.id === "bot-start") !== stage.bot.is_running;

/** @param {any} each */
function switchNode(each) {
  return h("label", { class: "switch" },
    h("input", { type: "checkbox", role: "switch", checked: each.is_on, data: { focus: each.id, trouble: each.id }, on: { change: (event) => act("trouble/switch", { id: each.id, on: event.target.checked }) } }),
    h("span", {}, each.label, h("span", { class: "choice-description" }, each.hint)));
}

/** @param {any} each */
function onceNode(each) {
  const strike = async () => {
    const answer = await act("trouble/once", { id: each.id });
    if (answer.ok) toast(`Done: ${each.label}.`);
  };
  return h("button", { class: each.id === "bot-kill" ? "button button-small button-danger" : "button button-small", type: "button", title: each.hint, data: { focus: each.id, trouble: each.id }, on: { click: strike } }, each.label);
}
