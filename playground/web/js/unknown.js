/** Show the JSON of blocks and elements that this page can't render. */
import { h } from "./dom.js";

/** @param {any} thing @returns {HTMLElement} */
export function unknown(thing) {
  return h("details", { class: "unknown" },
    h("summary", {}, `This page does not draw “${thing?.type ?? "?"}” yet`),
    h("pre", { class: "code-block" }, JSON.stringify(thing, null, 2)));
}
