/** Text inputs: single and multiline text, URLs, numbers, dates and times. */
import { h } from "./dom.js";
import { choose, held, keepTyped } from "./place.js";
import { plain } from "./text.js";

/** @typedef {import("./place.js").Place} Place */
/** @typedef {import("./elements.js").Labelled} Labelled */

const TYPES = { email_text_input: "email", url_text_input: "url", number_input: "number", datepicker: "date", timepicker: "time" };

/** @param {any} element @param {any} block @param {Place} place @param {Labelled} labelled */
export function textInput(element, block, place, labelled) {
  const isLong = Boolean(element.multiline);
  const standing = place.typed.get(block.block_id) ?? held(place, block, element).value ?? "";
  const node = h(isLong ? "textarea" : "input", {
    ...marks(element, block, labelled),
    class: "field",
    maxlength: element.max_length ?? 3000,
    placeholder: plain(element.placeholder) || null,
    spellcheck: "false",
    ...(isLong ? { rows: 3 } : { type: TYPES[element.type] ?? "text", autocomplete: "off" }),
    on: {
      input: (event) => {
        place.typed.set(block.block_id, event.target.value);
        keepTyped(place);
      },
      keydown: (event) => {
        if (event.key === "Enter" && !isLong && block.dispatch_action) {
          event.preventDefault();
          choose(place, block, element, event.target.value);
        }
      },
    },
  });
  node.value = standing;
  return node;
}

/** @param {any} element @param {any} block @param {Place} place @param {Labelled} labelled */
export function dateInput(element, block, place, labelled) {
  const now = held(place, block, element);
  const node = h("input", {
    ...marks(element, block, labelled),
    class: "field field-short",
    type: TYPES[element.type],
    on: { change: (event) => choose(place, block, element, event.target.value || null) },
  });
  node.value = now.selected_date ?? now.selected_time ?? "";
  return node;
}

/** Attributes for screen readers and for restoring the focus. @param {any} element @param {any} block @param {Labelled} labelled */
function marks(element, block, labelled) {
  return {
    id: labelled.id ?? null,
    "aria-describedby": labelled.describedBy || null,
    "aria-invalid": labelled.isWrong ? "true" : null,
    "aria-required": labelled.isRequired ? "true" : null,
    data: { focus: `${block.block_id}/${element.action_id}` },
  };
}
