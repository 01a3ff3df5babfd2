/** The thread pane: one message and its replies. */
import { composer } from "./composer.js";
import { isReply } from "./conversation.js";
import { fill, h, keep } from "./dom.js";
import { messageNode } from "./message.js";
import { go, here, openChannel, section, watch } from "./state.js";

let built = "";
/** @type {HTMLElement} */
let list;

export function watchThread() {
  watch(["here", "messages/", "world"], draw);
}

function draw() {
  const pane = document.getElementById("thread");
  const channel = openChannel();
  const all = (channel && section(`messages/${channel.id}`)) ?? [];
  const parent = all.find((each) => each.ts === here.thread);
  pane.hidden = !parent;
  if (!parent) {
    built = "";
    return;
  }
  if (built !== `${channel.id} ${parent.ts}`) build(pane, channel, parent);
  const shown = [parent, ...all.filter((each) => isReply(each) && each.thread_ts === parent.ts)];
  keep(list, shown, { key: (each) => each.ts, sign: (each) => JSON.stringify(each), draw: (each) => messageNode(channel, each, { isReply: true }) });
}

/** @param {HTMLElement} pane @param {any} channel @param {any} parent */
function build(pane, channel, parent) {
  built = `${channel.id} ${parent.ts}`;
  list = h("div", { class: "messages", role: "log", "aria-label": "Thread", tabindex: "0" });
  const head = h("header", { class: "channel-head" }, h("h2", {}, "Thread"), h("span", { class: "channel-about" }, channel.is_direct ? "" : `#${channel.name}`),
    h("button", { class: "modal-close", type: "button", "aria-label": "Close thread", on: { click: () => go({ thread: "" }) } }, "×"));
  const foot = channel.is_direct ? null : h("footer", { class: "channel-foot" }, composer(channel, parent.ts));
  fill(pane, head, list, foot);
}
