/** Block Kit: one function for each block. Others show their JSON. */
import { chart } from "./chart.js";
import { h } from "./dom.js";
import { element } from "./elements.js";
import { sourceOf } from "./files.js";
import { mrkdwn } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { table } from "./table.js";
import { plain, textOf } from "./text.js";
import { unknown } from "./unknown.js";

/** @typedef {import("./place.js").Place} Place */

/** @type {Record<string, (block: any, place: Place) => HTMLElement>} */
const BLOCKS = {
  header: (block) => h(`h${Math.min(6, (block.level ?? 1) + 2)}`, { class: "block-header" }, ...textOf(block.text)),
  section: sectionBlock,
  context: contextBlock,
  divider: () => h("hr", { class: "block-divider" }),
  actions: (block, place) => h("div", { class: "block-actions" }, ...block.elements.map((each) => element(each, block, place))),
  image: imageBlock,
  rich_text: (block) => richText(block),
  input: inputBlock,
  table: (block) => table(block),
  data_visualization: (block) => chart(block),
  markdown: (block) => h("div", { class: "block-section" }, ...mrkdwn(block.text)),
  alert: (block) => h("div", { class: `block-alert alert-${block.level ?? "default"}`, role: "note" }, ...textOf(block.text)),
};

/** @param {any[]} blocks @param {Place} place @returns {HTMLElement[]} */
export function drawBlocks(blocks, place) {
  return blocks.map((block) => drawBlock(block, place));
}

/** @param {any} block @param {Place} place @returns {HTMLElement} */
function drawBlock(block, place) {
  try {
    return (BLOCKS[block.type] ?? unknown)(block, place);
  } catch (error) {
    console.error("a block could not be drawn", block, error);
    return unknown(block);
  }
}

/** @param {any} block @param {Place} place */
function sectionBlock(block, place) {
  const said = h("div", { class: "section-text" },
    block.text ? h("div", {}, ...textOf(block.text)) : null,
    block.fields ? h("div", { class: "section-fields" }, ...block.fields.map((field) => h("div", {}, ...textOf(field)))) : null);
  const beside = block.accessory ? h("div", { class: "section-accessory" }, element(block.accessory, block, place)) : null;
  return h("div", { class: "block-section" }, said, beside);
}

/** @param {any} block */
function contextBlock(block) {
  return h("div", { class: "block-context" }, ...block.elements.map((part) =>
    part.type === "image" ? picture(part, "context-image") : h("span", {}, ...textOf(part))));
}

/** @param {any} block */
function imageBlock(block) {
  const title = block.title ? h("figcaption", {}, ...textOf(block.title)) : null;
  return h("figure", { class: "block-image" }, title, picture(block, ""));
}

/** @param {any} image @param {string} kind */
export function picture(image, kind) {
  return h("img", { class: kind, src: sourceOf(image), alt: image.alt_text, title: image.alt_text, loading: "lazy" });
}

/** @param {any} block @param {Place} place */
function inputBlock(block, place) {
  const [name, error] = [`input-${block.block_id}`, place.errors[block.block_id]];
  const optional = block.optional ? h("span", { class: "input-optional" }, " (optional)") : null;
  const described = [block.hint ? `${name}-hint` : "", error ? `${name}-error` : ""].filter(Boolean).join(" ");
  const labelled = { id: name, label: plain(block.label), describedBy: described, isWrong: Boolean(error), isRequired: !block.optional };
  const isGroup = ["radio_buttons", "checkboxes"].includes(block.element.type);
  return h("div", { class: error ? "block-input block-input-wrong" : "block-input", data: { block: block.block_id } },
    h(isGroup ? "div" : "label", { class: "input-label", ...(isGroup ? { id: `${name}-label` } : { for: name }) }, ...textOf(block.label), optional),
    element(block.element, block, place, labelled),
    error ? h("div", { class: "input-error", id: `${name}-error`, role: "alert" }, error) : null,
    block.hint ? h("div", { class: "input-hint", id: `${name}-hint` }, ...textOf(block.hint)) : null);
}

