/** Text objects: plain_text and mrkdwn. */
import { emojiNode, mrkdwn } from "./mrkdwn.js";

/** @param {any} object @returns {Node[]} */
export function textOf(object) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plainNodes(object);
}

/** @param {any} object @returns {string} */
export const plain = (object) => object?.text ?? "";

/** @param {any} object @returns {Node[]} */
function plainNodes(object) {
  const text = String(object.text ?? "");
  if (object.emoji === false) return [new Text(text)];
  return text.split(/(:[a-z0-9_+-]+:)/).map((part, place) => (place % 2 ? emojiNode(part.slice(1, -1)) : new Text(part)));
}
