/** The right side: builds, scenes, faults, the wire log, and the speed of builds. */
import { act } from "./api.js";
import { buildsPanel } from "./builds.js";
import { fill, h, keepFocus } from "./dom.js";
import { section, watch } from "./state.js";
import { scenesPanel } from "./scenes.js";
import { troublePanel } from "./trouble.js";
import { wirePanel } from "./wireview.js";

const TABS = { builds: "Builds", scenes: "Scenes", trouble: "Faults", wire: "Wire" };
const SPEEDS = [1, 10, 60];
const KEPT = "buildbell-right";
/** @type {Record<string, HTMLElement>} */
let panels = {};
let tab = sessionStorage.getItem(KEPT) ?? "builds";

export function watchBitrise() {
  panels = { builds: buildsPanel(), scenes: scenesPanel(), trouble: troublePanel(), wire: wirePanel() };
  const root = document.getElementById("bitrise");
  const head = h("header", { class: "right-head" });
  root.append(head, ...Object.entries(panels).map(([name, panel]) => h("div", { class: "right-panel", id: `panel-${name}`, role: "tabpanel", "aria-label": TABS[name] }, panel)));
  watch(["stage"], () => drawHead(head));
  drawHead(head);
}

/** @param {HTMLElement} head */
function drawHead(head) {
  const stage = section("stage");
  const on = stage?.troubles.switches.filter((each) => each.is_on).length ?? 0;
  for (const name of Object.keys(TABS)) document.getElementById(`panel-${name}`).hidden = name !== tab;
  document.getElementById("stage").dataset.tab = tab;
  keepFocus(head, () => fill(head,
    h("div", { class: "right-title" }, h("h2", {}, "Bitrise"), botState(stage), speeds(stage)),
    h("div", { class: "tabs", role: "tablist" }, ...Object.entries(TABS).map(([name, label]) =>
      h("button", { class: "tab", type: "button", role: "tab", "aria-selected": String(name === tab), data: { focus: `right-${name}` }, on: { click: () => turn(name, head) } },
        label, name === "trouble" && on ? h("span", { class: "badge badge-warn" }, on) : null)))));
}

/** @param {string} name @param {HTMLElement} head */
function turn(name, head) {
  tab = name;
  sessionStorage.setItem(KEPT, name);
  drawHead(head);
}

/** @param {any} stage */
function botState(stage) {
  if (!stage) return null;
  const [kind, text] = !stage.bot.is_running ? ["bad", "Bot stopped"] : stage.sockets ? ["good", "Bot running"] : ["warn", "Bot not connected"];
  return h("span", { class: `bot-state is-${kind}`, title: stage.bot.pid ? `process ${stage.bot.pid}` : "" }, text);
}

/** @param {any} stage */
function speeds(stage) {
  return h("div", { class: "speeds", role: "group", "aria-label": "Speed of builds" }, ...SPEEDS.map((speed) =>
    h("button", { type: "button", "aria-pressed": String(stage?.speed === speed), data: { focus: `speed-${speed}` }, title: `Builds run ${speed} times as fast`,
      on: { click: () => act("trouble/speed", { speed }) } }, `${speed}×`)));
}
