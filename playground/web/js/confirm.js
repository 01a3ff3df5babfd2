/** The confirmation dialog. */
import { h } from "./dom.js";
import { plain, textOf } from "./text.js";

/**
 * @param {any} dialog Slack's confirm object
 * @returns {Promise<boolean>}
 */
export function confirmed(dialog) {
  return new Promise((resolve) => {
    const decide = (yes) => () => {
      box.close();
      box.remove();
      resolve(yes);
    };
    const style = dialog.style === "danger" ? "button button-danger" : "button button-primary";
    const box = h("dialog", { class: "modal modal-small", "aria-label": plain(dialog.title), on: { cancel: decide(false) } },
      h("header", { class: "modal-head" }, h("h2", {}, ...textOf(dialog.title))),
      h("div", { class: "modal-body" }, ...textOf(dialog.text)),
      h("footer", { class: "modal-foot" },
        h("button", { class: "button", type: "button", on: { click: decide(false) } }, plain(dialog.deny)),
        h("button", { class: style, type: "button", autofocus: true, on: { click: decide(true) } }, plain(dialog.confirm))));
    document.body.append(box);
    box.showModal();
  });
}
