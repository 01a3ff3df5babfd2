/** Slack's mrkdwn as DOM nodes: text, http(s) links, and a few plain elements only. */
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { channel, me, person } from "./state.js";
import { formatted } from "./when.js";

/** @param {string} text */
export const unescaped = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/**
 * @param {string} text @returns {Node[]}
 */
export function mrkdwn(text) {
  return String(text ?? "").split(/(```[\s\S]*?```)/).flatMap((part, place) =>
    place % 2 ? [h("pre", { class: "code-block" }, unescaped(part.slice(3, -3).replace(/^\n/, "")))] : paragraphs(part));
}

/** Lines, with consecutive quotes merged. @param {string} text @returns {Node[]} */
function paragraphs(text) {
  /** @type {Node[]} */
  const nodes = [];
  /** @type {HTMLElement | null} */
  let quote = null;
  text.split("\n").forEach((line, place) => {
    const quoted = line.match(/^&gt; ?(.*)$/);
    if (quoted) {
      if (quote) quote.append(h("br"));
      else nodes.push((quote = h("blockquote")));
      quote.append(...inline(quoted[1]));
      return;
    }
    if (place > 0 && !quote) nodes.push(h("br"));
    quote = null;
    nodes.push(...inline(line));
  });
  return nodes;
}

/** The first matching rule wins; the content of bold and similar is parsed again. */
const RULES = [
  { find: /`([^`]+)`/, draw: (found) => h("code", {}, unescaped(found[1])) },
  { find: /<([^<>]+)>/, draw: (found) => entity(found[1]) },
  { find: /(?<![\w*])\*(\S|\S[^*]*?\S)\*(?![\w*])/, draw: (found) => h("strong", {}, ...inline(found[1])) },
  { find: /(?<![\w_])_(\S|\S[^_]*?\S)_(?![\w_])/, draw: (found) => h("em", {}, ...inline(found[1])) },
  { find: /(?<![\w~])~(\S|\S[^~]*?\S)~(?![\w~])/, draw: (found) => h("s", {}, ...inline(found[1])) },
  { find: /:([a-z0-9_+-]+(?:::skin-tone-\d)?):/, draw: (found) => emojiNode(found[1]) },
];

/** @param {string} line @returns {Node[]} */
function inline(line) {
  let best = null;
  for (const rule of RULES) {
    const found = line.match(rule.find);
    if (found && (best === null || found.index < best.found.index)) best = { rule, found };
  }
  if (!best) return line ? [new Text(unescaped(line))] : [];
  const { found, rule } = best;
  const before = line.slice(0, found.index);
  return [
    ...(before ? [new Text(unescaped(before))] : []),
    rule.draw(found),
    ...inline(line.slice(found.index + found[0].length)),
  ];
}

/** @param {string} name @returns {Node} */
export function emojiNode(name) {
  const character = emoji(name);
  return character ? h("span", { class: "emoji", role: "img", "aria-label": name }, character) : new Text(`:${name}:`);
}

/** The content of angle brackets. @param {string} inside @returns {Node} */
function entity(inside) {
  const [target, ...rest] = inside.split("|");
  const label = rest.join("|");
  if (target.startsWith("@")) return personNode(target.slice(1), label);
  if (target.startsWith("#")) return channelNode(target.slice(1), label);
  if (target.startsWith("!date^")) return dateNode(target, label);
  if (target.startsWith("!")) return broadcastNode(target.slice(1).split("^")[0], label);
  return linkNode(unescaped(target), unescaped(label));
}

/** @param {string} id @param {string} [label] */
export function personNode(id, label) {
  const known = person(id);
  const mine = id === me()?.id;
  return h("span", { class: mine ? "mention mention-me" : "mention" }, `@${known?.real_name ?? (label || id)}`);
}

/** @param {string} id @param {string} [label] */
export function channelNode(id, label) {
  return h("span", { class: "mention" }, `#${channel(id)?.name ?? (label || "a private channel")}`);
}

/** @param {string} range @param {string} [label] */
export function broadcastNode(range, label) {
  const name = range === "subteam" ? label || "a group" : `@${range}`;
  return h("span", { class: "mention mention-me" }, name);
}

/** @param {string} target @param {string} fallback */
function dateNode(target, fallback) {
  const [, seconds, format, url] = target.split("^");
  return momentNode(Number(seconds), format ?? "", unescaped(fallback), url);
}

/** @param {number} seconds @param {string} format @param {string} fallback @param {string} [url] */
export function momentNode(seconds, format, fallback, url) {
  const shown = Number.isFinite(seconds) ? formatted(seconds, format) : fallback;
  const node = h("time", { title: fallback, ...(Number.isFinite(seconds) ? { datetime: new Date(seconds * 1000).toISOString() } : {}) }, shown);
  return url ? linkNode(url, "", node) : node;
}

/** Only http, https and mailto are links. @param {string} url @param {string} label @param {Node} [inside] */
export function linkNode(url, label, inside) {
  const shown = inside ?? new Text(label || url);
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return h("span", {}, shown);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, shown);
}
