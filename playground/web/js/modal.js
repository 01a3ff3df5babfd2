/** Modals: the one on top, the stack below it, errors beside its fields. */
import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { fill, h, keepFocus } from "./dom.js";
import { pressing } from "./elements.js";
import { keepBar, playerBar } from "./play.js";
import { section, watch } from "./state.js";

/** @type {HTMLElement | null} */
let dialog = null;
let drawn = "";
/** @type {Map<string, {typed: Map<string, string>, errors: Record<string, string>, trouble: string}>} */
const remembered = new Map();

export function watchModals() {
  watch(["views"], draw);
}

/** Values typed into a view in this window, and their errors. @param {any} view */
function own(view) {
  if (!remembered.has(view.id)) remembered.set(view.id, { typed: new Map(), errors: {}, trouble: "" });
  return remembered.get(view.id);
}

function draw() {
  const views = section("views") ?? [];
  const view = views.at(-1);
  if (!view) return close();
  // Values change while typing; only a view that the app updated is redrawn.
  const sign = `${view.id} ${view.hash} ${views.length}`;
  if (sign === drawn) return;
  const isNew = !drawn.startsWith(view.id);
  if (!isNew) forgetErrors(view);
  drawn = sign;
  show(view, views, isNew);
}

/** @param {any} view */
function forgetErrors(view) {
  const there = new Set(view.blocks.map((block) => block.block_id));
  const mine = own(view);
  mine.errors = {};
  mine.trouble = "";
  for (const block of [...mine.typed.keys()]) if (!there.has(block)) mine.typed.delete(block);
}

function close() {
  drawn = "";
  remembered.clear();
  if (dialog) keepBar(dialog);
  dialog?.close();
  dialog?.remove();
  dialog = null;
}

/** @param {any} view @param {any[]} views @param {boolean} isNew */
function show(view, views, isNew) {
  if (!dialog) {
    dialog = h("dialog", { class: "modal", "aria-labelledby": "modal-title", on: { cancel: cancel } });
    document.body.append(dialog);
    dialog.showModal();
  }
  keepFocus(dialog, () => fill(dialog, ...content(view, views)));
  const held = document.activeElement;
  // A form that replaces a notice is entered at its first field, not at its Cancel button.
  if (isNew || !dialog.contains(held) || held.closest(".modal-foot")) firstField()?.focus();
}

const firstField = () => dialog.querySelector(".modal-body input:not([type=checkbox]), .modal-body textarea, .modal-body .button, .modal-foot .button");

/** Escape closes the view on top, not the whole stack. @param {Event} event */
function cancel(event) {
  event.preventDefault();
  const view = section("views")?.at(-1);
  if (view) act("slack/close", { view: view.id });
}

/** @param {any} view @param {any[]} views @returns {HTMLElement[]} */
function content(view, views) {
  const mine = own(view);
  const place = { address: { view: view.id }, values: view.values, typed: mine.typed, errors: mine.errors };
  const leave = (everything) => act("slack/close", { view: view.id, everything });
  const head = h("header", { class: "modal-head" },
    views.length > 1 ? h("button", { class: "modal-back", type: "button", "aria-label": "Back", on: { click: () => leave(false) } }, "‹") : null,
    h("img", { class: "modal-icon", src: "/web/bell.svg", alt: "" }),
    h("h2", { id: "modal-title" }, view.title),
    h("button", { class: "modal-close", type: "button", "aria-label": "Close", on: { click: () => leave(true) } }, "×"));
  const trouble = mine.trouble ? h("div", { class: "modal-trouble", role: "alert" }, mine.trouble) : null;
  const send = h("button", { class: "button button-primary", type: "submit", data: { focus: "submit" } }, view.submit ?? "");
  const foot = h("footer", { class: "modal-foot" },
    h("button", { class: "button", type: "button", data: { focus: "close" }, on: { click: () => leave(false) } }, view.close ?? "Close"),
    view.submit ? send : null);
  const form = h("form", { class: "modal-form", novalidate: true, on: { submit: (event) => {
    event.preventDefault();
    pressing(send, () => submit(view, views));
  } } }, head, trouble, h("div", { class: "modal-body" }, ...drawBlocks(view.blocks, place)), foot);
  return [form, h("div", { class: "modal-toasts", role: "status", "aria-live": "polite" }), ...playerBar()];
}

/** @param {any} view @param {any[]} views */
async function submit(view, views) {
  const mine = own(view);
  const answer = await act("slack/submit", { view: view.id, values: Object.fromEntries(mine.typed) });
  mine.errors = answer.errors ?? {};
  mine.trouble = answer.ok || answer.isTold || Object.keys(mine.errors).length ? "" : answer.error ?? "";
  const current = section("views")?.at(-1);
  if (!dialog || current?.id !== view.id) return;
  if (!Object.keys(mine.errors).length && !mine.trouble) return;
  keepFocus(dialog, () => fill(dialog, ...content(current, views)));
  dialog.querySelector("[aria-invalid=true]")?.focus();
}
