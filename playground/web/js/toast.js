/** Short notes at the lower edge: Slack's own errors, and what could not be done. */
import { h } from "./dom.js";

const SHOWN_MS = 7000;

/** @param {string} text @param {"good" | "bad"} [kind] */
export function toast(text, kind = "good") {
  const place = document.getElementById("toasts");
  const note = h("div", { class: `toast toast-${kind}` }, h("span", {}, text));
  const close = h("button", { class: "toast-close", "aria-label": "Dismiss", on: { click: () => note.remove() } }, "×");
  note.append(close);
  // A modal is above everything else on the page, so the note goes into it.
  const modal = document.querySelector("dialog[open]");
  (modal?.querySelector(".modal-toasts") ?? place)?.append(note);
  setTimeout(() => note.remove(), SHOWN_MS);
}
