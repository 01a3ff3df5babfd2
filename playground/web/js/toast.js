/** Toasts at the lower edge: Slack's own errors and failed actions. */
import { h } from "./dom.js";

const SHOWN_MS = 7000;

/** @param {string} text @param {"good" | "bad"} [kind] */
export function toast(text, kind = "good") {
  const place = document.getElementById("toasts");
  const note = h("div", { class: `toast toast-${kind}` }, h("span", {}, text));
  const close = h("button", { class: "toast-close", "aria-label": "Dismiss", on: { click: () => note.remove() } }, "×");
  note.append(close);
  // A modal covers everything else on the page, so the toast goes into it.
  const modal = document.querySelector("dialog[open]");
  (modal?.querySelector(".modal-toasts") ?? place)?.append(note);
  setTimeout(() => note.remove(), SHOWN_MS);
}
