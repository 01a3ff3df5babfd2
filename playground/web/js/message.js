/** One message: author, time, content, a mark on ephemeral ones, and the replies of its thread. */
import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { h } from "./dom.js";
import { fileNode } from "./files.js";
import { mrkdwn } from "./mrkdwn.js";
import { menu } from "./overflow.js";
import { complain } from "./place.js";
import { go, person, section } from "./state.js";
import { unknown } from "./unknown.js";
import { ago, clock } from "./when.js";

/** @param {any} message */
export const millisOf = (message) => Number(message.ts) * 1000;

/**
 * @param {any} channel @param {any} message @param {{replies?: any[], isReply?: boolean}} [around]
 * @returns {HTMLElement}
 */
export function messageNode(channel, message, { replies = [], isReply = false } = {}) {
  const who = person(message.user) ?? { real_name: message.user, name: message.user };
  const place = { address: { channel: channel.id, ts: message.ts }, values: message.chosen ?? {}, typed: new Map(), errors: {} };
  return h("article", { class: message.is_private ? "message is-private" : "message", data: { ts: message.ts }, "aria-label": `${who.real_name}: ${message.text}` },
    avatar(who),
    h("div", { class: "message-main" },
      message.is_private ? h("div", { class: "only-you" }, "👁 Only visible to you") : null,
      message.command ? h("div", { class: "used" }, `used ${message.command}`) : null,
      h("div", { class: "message-head" },
        h("span", { class: "message-name" }, who.real_name),
        message.is_from_app ? h("span", { class: "badge badge-app" }, "APP") : null,
        who.is_guest ? h("span", { class: "badge badge-app" }, who.team) : null,
        h("time", { class: "message-time", datetime: new Date(millisOf(message)).toISOString() }, clock(millisOf(message)))),
      h("div", { class: "message-body" }, ...body(message, place)),
      ...(message.attachments ?? []).map((each) => attachment(each, place)),
      ...(message.unfurls ?? []).map((each) => unfurl(each, place)),
      ...(message.files ?? []).map(fileNode),
      message.is_private ? dismissal(channel, message) : null,
      replies.length && !isReply ? answers(message, replies) : null),
    h("div", { class: "message-tools" }, tools(channel, message, isReply)));
}

/** @param {any} who */
function avatar(who) {
  if (who.is_bot) return h("img", { class: "avatar", src: "/web/bell.svg", alt: "" });
  return h("span", { class: `avatar avatar-${(who.name ?? "?").charCodeAt(0) % 6}`, "aria-hidden": "true" }, (who.real_name ?? "?")[0]);
}

/** @param {any} message @param {import("./place.js").Place} place */
function body(message, place) {
  const edited = message.is_edited ? h("span", { class: "edited" }, " (edited)") : null;
  if (message.blocks?.length) return [...drawBlocks(message.blocks, place), edited];
  return message.text ? [h("div", {}, ...mrkdwn(message.text), edited)] : [];
}

/** @param {any} each @param {import("./place.js").Place} place */
function attachment(each, place) {
  const inside = each.blocks ? drawBlocks(each.blocks, place) : each.text || each.fallback ? [h("div", {}, ...mrkdwn(each.text ?? each.fallback))] : [unknown(each)];
  const node = h("div", { class: "attachment" }, ...inside);
  if (/^#?[0-9a-f]{6}$/i.test(each.color ?? "")) node.style.borderColor = `#${each.color.replace("#", "")}`;
  return node;
}

/** An unfurl of an app; actions in it name its link. @param {any} each @param {import("./place.js").Place} place */
function unfurl(each, place) {
  const node = attachment(each, { ...place, address: { ...place.address, link: each.app_unfurl_url } });
  node.classList.add("unfurl");
  node.dataset.link = each.app_unfurl_url;
  const app = section("world").app;
  if (app?.id === each.app_id) node.append(h("div", { class: "unfurl-by" }, `Added by ${app.name}`));
  return node;
}

/** @param {any} channel @param {any} message */
function dismissal(channel, message) {
  const away = () => act("slack/dismiss", { channel: channel.id, ts: message.ts });
  return h("div", { class: "only-you-foot" }, "Only you can see this. ", h("button", { class: "link", type: "button", on: { click: away } }, "Dismiss"));
}

/** @param {any} message @param {any[]} replies */
function answers(message, replies) {
  const text = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  return h("button", { class: "answers", type: "button", data: { focus: `answers-${message.ts}` }, on: { click: () => go({ thread: message.ts }) } },
    h("strong", {}, text), h("span", {}, ` Last reply ${ago(millisOf(replies.at(-1)))}`));
}

/** @param {any} channel @param {any} message @param {boolean} isReply */
function tools(channel, message, isReply) {
  const shortcuts = (section("world").app?.shortcuts ?? []).filter((each) => each.type === "message");
  const json = () => showJson(message);
  const entries = [
    ...(isReply || message.is_private ? [] : [{ label: "Reply in thread", run: () => go({ thread: message.ts }) }]),
    ...(message.is_private ? [] : shortcuts).map((each) => ({
      label: each.name, hint: each.description,
      run: async () => complain(await act("slack/shortcut", { callback_id: each.callback_id, channel: channel.id, ts: message.ts })),
    })),
    { label: "View blocks as JSON", run: json },
  ];
  return menu({ label: "Message menu", face: "⋯", entries, kind: "message-menu" });
}

/** @param {any} message */
function showJson(message) {
  const box = h("dialog", { class: "modal", "aria-label": "Blocks as JSON", on: { close: () => box.remove() } },
    h("header", { class: "modal-head" }, h("h2", {}, "Blocks as JSON"),
      h("button", { class: "modal-close", type: "button", "aria-label": "Close", on: { click: () => box.close() } }, "×")),
    h("div", { class: "modal-body" }, h("pre", { class: "code-block" }, JSON.stringify({ text: message.text, blocks: message.blocks }, null, 2))));
  document.body.append(box);
  box.showModal();
}
