/** The wire log: exchanges between the bot and both servers, newest first; a line opens to request and response. */
import { exchange } from "./api.js";
import { fill, h, keep } from "./dom.js";
import { watch, wire } from "./state.js";
import { clockWithSeconds } from "./when.js";

const QUIET = ["said", "apps.wss.open", "builds.list-all"];
/** Frequent exchanges that are hidden by default. */
const FACES = { "to the bot": "→", "from the bot": "←" };

/** @returns {HTMLElement} */
export function wirePanel() {
  const list = h("div", { class: "exchanges", role: "list" });
  const text = h("input", { class: "field", type: "search", placeholder: "Filter by name, text or result", "aria-label": "Filter requests" });
  const side = h("select", { class: "field field-short", "aria-label": "Side" }, h("option", { value: "" }, "Both sides"), h("option", { value: "slack" }, "Slack"), h("option", { value: "bitrise" }, "Bitrise"));
  const quiet = h("input", { type: "checkbox", checked: true });
  const draw = () => keep(list, chosen(text.value, side.value, quiet.checked), { key: (each) => String(each.number), sign: () => "", draw: line });
  for (const each of [text, side, quiet]) each.addEventListener("input", draw);
  watch(["wire"], draw);
  return h("div", { class: "wire" }, h("div", { class: "wire-filter" }, text, side, h("label", {}, quiet, " Hide routine calls")), list);
}

/** @param {string} typed @param {string} side @param {boolean} isQuiet */
function chosen(typed, side, isQuiet) {
  const wanted = typed.toLowerCase();
  const holds = (each) => `${each.name} ${each.brief} ${each.result} ${each.direction}`.toLowerCase().includes(wanted);
  const fits = (each) => (!side || each.side === side) && (!isQuiet || !each.is_good || !QUIET.includes(each.name)) && holds(each);
  return wire().filter(fits).reverse();
}

/** @param {any} each */
function line(each) {
  const inside = h("div", { class: "exchange-inside" });
  const open = async (event) => {
    if (!event.target.open || inside.childElementCount) return;
    fill(inside, ...whole(await exchange(each.number)));
  };
  return h("details", { class: `exchange side-${each.side}${each.is_good ? "" : " is-bad"}`, role: "listitem", on: { toggle: open } },
    h("summary", {}, h("time", {}, clockWithSeconds(each.at)), h("span", { class: "exchange-side" }, each.side === "slack" ? "Slack" : "Bitrise"),
      h("span", { title: each.direction, role: "img", "aria-label": each.direction }, FACES[each.direction]), h("strong", {}, each.name),
      h("span", { class: "exchange-result" }, each.result), h("span", { class: "exchange-brief" }, each.brief)), inside);
}

/** @param {any} found */
function whole(found) {
  if (!found.request) return [h("p", {}, found.error ?? "That exchange is no longer kept.")];
  const block = (label, value) => [h("h4", {}, label), h("pre", { class: "code-block", tabindex: "0" }, JSON.stringify(value, null, 2))];
  return [...block("Request", found.request), ...block("Response", found.response)];
}
