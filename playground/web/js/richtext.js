/** rich_text blocks. Nothing in them is parsed: text is text. */
import { h } from "./dom.js";
import { broadcastNode, channelNode, emojiNode, linkNode, momentNode, personNode } from "./mrkdwn.js";
import { unknown } from "./unknown.js";

/** @param {any} block @returns {HTMLElement} */
export function richText(block) {
  return h("div", { class: "rich" }, ...block.elements.map(part));
}

/** @param {any} element @returns {Node} */
function part(element) {
  switch (element.type) {
    case "rich_text_section":
      return h("div", { class: "rich-section" }, ...element.elements.flatMap(piece));
    case "rich_text_preformatted":
      return h("pre", { class: "code-block" }, ...element.elements.flatMap(piece));
    case "rich_text_quote":
      return h("blockquote", {}, ...element.elements.flatMap(piece));
    case "rich_text_list":
      return h(element.style === "ordered" ? "ol" : "ul", { class: `indent-${element.indent ?? 0}`, start: element.offset ? element.offset + 1 : null },
        ...element.elements.map((item) => h("li", {}, ...item.elements.flatMap(piece))));
    default:
      return unknown(element);
  }
}

/** @param {any} element @returns {Node[]} */
function piece(element) {
  switch (element.type) {
    case "text":
      return [styled(lines(element.text), element.style)];
    case "link":
      return [styled([linkNode(element.url, element.text ?? "")], element.style)];
    case "user":
      return [personNode(element.user_id)];
    case "channel":
      return [channelNode(element.channel_id)];
    case "broadcast":
      return [broadcastNode(element.range)];
    case "usergroup":
      return [broadcastNode("subteam")];
    case "emoji":
      return [emojiNode(element.name)];
    case "date":
      return [momentNode(element.timestamp, element.format, element.fallback ?? "", element.url)];
    case "color":
      return [h("code", {}, element.value)];
    default:
      return [unknown(element)];
  }
}

/** @param {string} text @returns {Node[]} */
function lines(text) {
  return text.split("\n").flatMap((line, place) => (place ? [h("br"), new Text(line)] : [new Text(line)]));
}

const TAGS = { code: "code", bold: "strong", italic: "em", strike: "s", underline: "u" };

/** @param {Node[]} nodes @param {Record<string, boolean> | undefined} style @returns {Node} */
function styled(nodes, style) {
  let inside = nodes;
  for (const [name, tag] of Object.entries(TAGS)) if (style?.[name]) inside = [h(tag, {}, ...inside)];
  return inside.length === 1 ? inside[0] : h("span", {}, ...inside);
}
