/** Block elements: one function for each. Others show their JSON. */
import { combobox } from "./combobox.js";
import { h } from "./dom.js";
import { dateInput, textInput } from "./fields.js";
import { sourceOf } from "./files.js";
import { overflow } from "./overflow.js";
import { choose, held, press, suggest } from "./place.js";
import { section } from "./state.js";
import { plain, textOf } from "./text.js";
import { unknown } from "./unknown.js";

/** @typedef {import("./place.js").Place} Place */
/** @typedef {{id?: string, label?: string, describedBy?: string, isWrong?: boolean, isRequired?: boolean}} Labelled */

/** @type {Record<string, (element: any, block: any, place: Place, labelled: Labelled) => Node>} */
const ELEMENTS = {
  button,
  workflow_button: button,
  overflow,
  image: (image) => h("img", { class: "accessory-image", src: sourceOf(image), alt: image.alt_text }),
  radio_buttons: (each, block, place, labelled) => choices(each, block, place, labelled, "radio"),
  checkboxes: (each, block, place, labelled) => choices(each, block, place, labelled, "checkbox"),
  plain_text_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  number_input: textInput,
  datepicker: dateInput,
  timepicker: dateInput,
  static_select: (each, block, place, labelled) => select(each, block, place, labelled, staticOptions),
  multi_static_select: (each, block, place, labelled) => select(each, block, place, labelled, staticOptions),
  external_select: (each, block, place, labelled) => select(each, block, place, labelled, suggest),
  multi_external_select: (each, block, place, labelled) => select(each, block, place, labelled, suggest),
};
for (const many of ["", "multi_"]) {
  ELEMENTS[`${many}users_select`] = (each, block, place, labelled) => select(each, block, place, labelled, people);
  ELEMENTS[`${many}conversations_select`] = (each, block, place, labelled) => select(each, block, place, labelled, conversations);
  ELEMENTS[`${many}channels_select`] = (each, block, place, labelled) => select(each, block, place, labelled, conversations);
}

/**
 * @param {any} each @param {any} block @param {Place} place @param {Labelled} [labelled] @returns {Node}
 */
export function element(each, block, place, labelled = {}) {
  return (ELEMENTS[each.type] ?? unknown)(each, block, place, labelled);
}

/** @param {any} each @param {any} block @param {Place} place */
function button(each, block, place) {
  const style = each.style ? `button button-${each.style}` : "button";
  const node = h("button", {
    class: style,
    type: "button",
    "aria-label": each.accessibility_label ?? null,
    data: { focus: `${block.block_id}/${each.action_id}`, action: each.action_id },
    on: { click: () => pressing(node, () => press(place, block, each)) },
  }, ...textOf(each.text), each.url ? h("span", { class: "button-out", "aria-hidden": "true" }, " ↗") : null);
  return node;
}

/** Allow one click at a time. @param {HTMLElement} node @param {() => Promise<void>} doing */
export async function pressing(node, doing) {
  if (node.getAttribute("aria-busy")) return;
  node.setAttribute("aria-busy", "true");
  await doing();
  node.removeAttribute("aria-busy");
}

/**
 * @param {any} each @param {any} block @param {Place} place @param {Labelled} labelled @param {"radio" | "checkbox"} kind
 */
function choices(each, block, place, labelled, kind) {
  const now = held(place, block, each);
  const chosen = new Set([now.selected_option, ...(now.selected_options ?? [])].filter(Boolean).map((option) => option.value));
  const name = `${place.address.view ?? place.address.ts}-${block.block_id}`;
  const take = (option, isOn) => {
    if (kind === "radio") return choose(place, block, each, option.value);
    chosen[isOn ? "add" : "delete"](option.value);
    return choose(place, block, each, [...chosen]);
  };
  return h("div", { class: "choices", role: kind === "radio" ? "radiogroup" : "group", "aria-labelledby": labelled.id ? `${labelled.id}-label` : null,
      "aria-describedby": labelled.describedBy || null },
    ...each.options.map((option) => h("label", { class: "choice" },
      h("input", { type: kind, name, checked: chosen.has(option.value), data: { focus: `${name}/${option.value}` },
        on: { change: (event) => take(option, event.target.checked) } }),
      h("span", {}, ...textOf(option.text),
        option.description ? h("span", { class: "choice-description" }, ...textOf(option.description)) : null))));
}

/**
 * @param {any} each @param {any} block @param {Place} place @param {Labelled} labelled
 * @param {(place: Place, element: any, typed: string) => Promise<any[]>} offers
 */
function select(each, block, place, labelled, offers) {
  const isMany = each.type.startsWith("multi_");
  const now = held(place, block, each);
  const chosen = [now.selected_option, ...(now.selected_options ?? []), ...chosenByIds(now)].filter(Boolean);
  return combobox({
    ...labelled,
    focus: `${block.block_id}/${each.action_id}`,
    placeholder: plain(each.placeholder),
    chosen,
    isMany,
    most: each.max_selected_items ?? Infinity,
    isSearched: each.type.includes("external"),
    offers: (typed) => offers(place, each, typed),
    take: (options) => choose(place, block, each, isMany ? options.map((option) => option.value) : options[0]?.value ?? null),
  });
}

/** Map ids of users and channels to options. @param {any} now */
function chosenByIds(now) {
  const ids = ["user", "conversation", "channel"].flatMap((kind) => [now[`selected_${kind}`], ...(now[`selected_${kind}s`] ?? [])]);
  const known = [...peopleOptions(), ...channelOptions()];
  return ids.filter(Boolean).map((id) => known.find((option) => option.value === id));
}

const option = (text, value) => ({ text: { type: "plain_text", text }, value });
const peopleOptions = () => (section("world")?.people ?? []).map((each) => option(each.real_name, each.id));
const channelOptions = () => (section("world")?.channels ?? []).filter((each) => !each.is_direct).map((each) => option(`#${each.name}`, each.id));

/** @param {any[]} options @param {string} typed */
const matching = (options, typed) => options.filter((each) => plain(each.text).toLowerCase().includes(typed.toLowerCase()));

/** @param {Place} _ @param {any} each @param {string} typed */
async function staticOptions(_, each, typed) {
  const grouped = (each.option_groups ?? []).flatMap((group) => group.options.map((option) => ({ ...option, group: plain(group.label) })));
  return matching(each.options ?? grouped, typed);
}

/** @param {Place} _ @param {any} __ @param {string} typed */
const people = async (_, __, typed) => matching(peopleOptions(), typed);
/** @param {Place} _ @param {any} __ @param {string} typed */
const conversations = async (_, __, typed) => matching(channelOptions(), typed);
