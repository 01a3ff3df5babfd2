/** The app: Home, Messages and About tabs. */
import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { fill, h, keepFocus } from "./dom.js";
import { go, here, section } from "./state.js";
import { unescaped } from "./mrkdwn.js";

const TABS = { home: "Home", messages: "Messages", about: "About" };
let lookedAt = "";

/** @param {any} app */
export function homeTabs(app) {
  return h("div", { class: "tabs-head" }, h("h2", {}, app.name),
    h("div", { class: "tabs", role: "tablist" }, ...Object.entries(TABS).map(([tab, label]) =>
      h("button", { class: "tab", type: "button", role: "tab", "aria-selected": String(here.tab === tab), data: { focus: `tab-${tab}` }, on: { click: () => go({ tab }) } }, label))));
}

/** @param {HTMLElement} panel @param {string} tab */
export function drawHome(panel, tab) {
  if (tab === "about") return drawAbout(panel);
  open();
  const view = section("home");
  const sign = view ? `${view.id} ${view.hash}` : "none";
  if (panel.dataset.sign === sign) return;
  panel.dataset.sign = sign;
  const place = view && { address: { view: view.id }, values: view.values, typed: new Map(), errors: {} };
  keepFocus(panel, () => fill(panel, ...(view ? drawBlocks(view.blocks, place) : [h("p", { class: "nothing" }, "Loading…")])));
}

/** Send the event of an opened Home tab, once for each visit. */
function open() {
  const look = `${here.person} ${location.hash}`;
  if (look === lookedAt) return;
  lookedAt = look;
  act("slack/home");
}

/** Count the next visit as a new one. */
export function leaveHome() {
  lookedAt = "";
}

/** @param {HTMLElement} panel */
function drawAbout(panel) {
  const app = section("world").app;
  panel.dataset.sign = "about";
  fill(panel, h("h3", { class: "block-header" }, app.name), h("p", {}, app.description),
    h("h4", {}, "Commands"), h("dl", { class: "commands" }, ...app.commands.flatMap((each) => [
      h("dt", {}, h("code", {}, each.command), " ", h("span", { class: "hint" }, unescaped(each.usage_hint ?? ""))), h("dd", {}, each.description)])),
    h("h4", {}, "Shortcuts"), h("dl", { class: "commands" }, ...app.shortcuts.flatMap((each) => [h("dt", {}, each.name), h("dd", {}, each.description)])));
}
