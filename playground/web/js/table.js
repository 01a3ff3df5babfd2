/** The table block: raw texts, numbers and rich text in rows; the first row is the heading. */
import { h } from "./dom.js";
import { richText } from "./richtext.js";
import { unknown } from "./unknown.js";

/** @param {any} block @returns {HTMLElement} */
export function table(block) {
  const [head, ...rows] = block.rows;
  const settings = block.column_settings ?? [];
  const line = (tag) => (row) => h("tr", {}, ...row.map((cell, column) => {
    const how = settings[column] ?? {};
    return h(tag, { class: `align-${how.align ?? "left"}${how.is_wrapped ? " is-wrapped" : ""}`, scope: tag === "th" ? "col" : null }, inside(cell));
  }));
  return h("div", { class: "block-table", tabindex: "0" },
    h("table", {}, h("thead", {}, line("th")(head)), h("tbody", {}, ...rows.map(line("td")))));
}

/** @param {any} cell */
function inside(cell) {
  if (cell.type === "raw_text") return cell.text;
  if (cell.type === "raw_number") return cell.text ?? String(cell.value);
  return cell.type === "rich_text" ? richText(cell) : unknown(cell);
}
