/** The main pane: a channel with its messages, or the app with its Home, Messages and About tabs. */
import { composer } from "./composer.js";
import { fill, h, keep } from "./dom.js";
import { guideNode } from "./guide.js";
import { drawHome, homeTabs } from "./home.js";
import { messageNode, millisOf } from "./message.js";
import { here, openChannel, person, section, watch } from "./state.js";
import { day } from "./when.js";

const NEAR = 60;
/** Keep the end of the list visible when it gets smaller. */
const resized = new ResizeObserver(() => {
  if (shown?.isAtEnd) shown.list.scrollTop = shown.list.scrollHeight;
});
/** @type {{id: string, head: HTMLElement, list: HTMLElement, isAtEnd: boolean} | null} */
let shown = null;

export function watchConversation() {
  watch(["world", "messages/", "here", "home"], draw);
}

function draw() {
  const channel = openChannel();
  if (!channel) return;
  const kind = `${here.person} ${channel.id} ${channel.is_direct ? here.tab : ""}`;
  if (shown?.id !== kind) build(kind, channel);
  drawHead(channel);
  if (channel.is_direct && here.tab !== "messages") return void drawHome(shown.list, here.tab);
  drawMessages(channel);
}

/** @param {string} kind @param {any} channel */
function build(kind, channel) {
  const isTab = channel.is_direct && here.tab !== "messages";
  const list = h("div", isTab
    ? { class: "home", role: "tabpanel", "aria-label": "App" }
    : { class: "messages", role: "log", "aria-label": "Messages", "aria-live": "polite", tabindex: "0" });
  shown = { id: kind, head: h("header", { class: "channel-head" }), list, isAtEnd: true };
  const foot = h("footer", { class: "channel-foot" }, channel.is_direct ? null : composer(channel), guideNode());
  fill(document.getElementById("conversation"), shown.head, list, foot);
  if (isTab) return;
  resized.disconnect();
  resized.observe(list);
  list.addEventListener("scroll", () => {
    if (shown?.list === list) shown.isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
  });
}

/** @param {any} channel */
function drawHead(channel) {
  if (channel.is_direct) return void fill(shown.head, homeTabs(section("world").app));
  const members = channel.members.map((id) => person(id)?.real_name).filter(Boolean);
  fill(shown.head,
    h("h2", {}, h("span", { "aria-hidden": "true" }, channel.is_private ? "🔒 " : "# "), channel.name),
    h("span", { class: "channel-about", title: members.join(", ") }, `${channel.members.length} members`),
    channel.is_shared ? h("span", { class: "badge" }, "Shared with another workspace") : null,
    channel.members.includes(section("world").bot) ? null : h("span", { class: "badge badge-warn" }, "Buildbell isn't in this channel"));
}

/** @param {any} channel */
function drawMessages(channel) {
  const { list } = shown;
  const all = section(`messages/${channel.id}`) ?? [];
  const repliesTo = grouped(all.filter(isReply));
  const wasAtEnd = shown.isAtEnd;
  const rows = withDays(all.filter((each) => !isReply(each) || each.is_private));
  keep(list, rows, {
    key: (row) => row.day ?? row.message.ts,
    sign: (row) => JSON.stringify([row, repliesTo.get(row.message?.ts)?.map((each) => each.ts)]),
    draw: (row) => (row.day ? dayLine(row.day) : messageNode(channel, row.message, { replies: repliesTo.get(row.message.ts) })),
  });
  if (!rows.length) list.append(h("p", { class: "nothing", data: { key: "nothing" } }, channel.is_direct ? "No messages yet." : `No messages in #${channel.name} yet.`));
  if (wasAtEnd) list.scrollTop = list.scrollHeight;
}

/** @param {any} message */
export const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

/** @param {any[]} replies */
function grouped(replies) {
  const groups = new Map();
  for (const each of replies) groups.set(each.thread_ts, [...(groups.get(each.thread_ts) ?? []), each]);
  return groups;
}

/** @param {any[]} messages */
function withDays(messages) {
  let last = "";
  return messages.flatMap((message) => {
    const name = day(millisOf(message));
    const line = name === last ? [] : [{ day: name }];
    last = name;
    return [...line, { message }];
  });
}

/** @param {string} name */
function dayLine(name) {
  return h("div", { class: "day", role: "separator" }, h("span", {}, name));
}
