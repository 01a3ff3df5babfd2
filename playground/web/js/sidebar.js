/** Slack's sidebar: the workspace, its channels, the app. */
import { fill, h, keepFocus } from "./dom.js";
import { go, here, me, openChannel, section, watch } from "./state.js";

const SEEN = "buildbell-seen";

export function watchSidebar() {
  watch(["world", "messages/", "here"], draw);
}

function draw() {
  const world = section("world");
  if (!world) return;
  const sidebar = document.getElementById("sidebar");
  const open = openChannel();
  markSeen(open);
  const [apps, channels] = [world.channels.filter((each) => each.is_direct), world.channels.filter((each) => !each.is_direct)];
  keepFocus(sidebar, () => fill(sidebar,
    h("div", { class: "sidebar-team" }, h("span", { class: "team-icon", "aria-hidden": "true" }, world.team.name[0]),
      h("span", {}, world.team.name), me()?.is_guest ? h("span", { class: "badge" }, "guest") : null),
    h("h2", { class: "sidebar-head" }, "Channels"),
    h("ul", {}, ...channels.map((each) => entry(each, open))),
    apps.length ? h("h2", { class: "sidebar-head" }, "Apps") : null,
    h("ul", {}, ...apps.map((each) => entry(each, open)))));
}

/** @param {any} channel @param {any} open */
function entry(channel, open) {
  const unread = unreadIn(channel);
  const isOpen = channel.id === open?.id;
  const name = channel.is_direct ? section("world").app.name : channel.name;
  const face = channel.is_direct ? h("img", { src: "/web/bell.svg", alt: "", width: 16, height: 16 }) : channel.is_private ? "🔒" : "#";
  return h("li", {}, h("button", {
    class: `sidebar-entry${isOpen ? " is-open" : ""}${unread ? " is-unread" : ""}`,
    type: "button", "aria-current": isOpen ? "page" : null, data: { focus: channel.id, channel: channel.name },
    on: { click: () => go({ channel: channel.is_direct ? channel.id : channel.name, thread: "", tab: "home" }) },
  }, h("span", { class: "sidebar-face", "aria-hidden": "true" }, face), h("span", { class: "sidebar-name" }, name),
    channel.is_shared ? h("span", { class: "sidebar-shared", title: "Shared with another workspace" }, "↔") : null,
    unread ? h("span", { class: "badge badge-unread", "aria-label": `${unread} new` }, unread) : null));
}

// The last ts that this window has shown of each channel.

const seen = () => JSON.parse(sessionStorage.getItem(SEEN) ?? "{}");
const key = (channel) => `${here.person}/${channel.id}`;
const messagesIn = (channel) => section(`messages/${channel.id}`) ?? [];

/** @param {any} channel */
function markSeen(channel) {
  const last = channel && messagesIn(channel).at(-1)?.ts;
  if (last && seen()[key(channel)] !== last) sessionStorage.setItem(SEEN, JSON.stringify({ ...seen(), [key(channel)]: last }));
}

/** Messages that were there at first count as read. @param {any} channel */
function unreadIn(channel) {
  const messages = messagesIn(channel);
  const known = seen();
  if (!(key(channel) in known)) {
    sessionStorage.setItem(SEEN, JSON.stringify({ ...known, [key(channel)]: messages.at(-1)?.ts ?? "0" }));
    return 0;
  }
  return messages.filter((each) => each.ts > known[key(channel)] && each.user !== me()?.id).length;
}
