/** The steps to set up Buildbell in a real workspace, from the README. */
import { h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { toast } from "./toast.js";

export async function showSetup() {
  const response = await fetch("/api/setup").catch(() => null);
  if (!response?.ok) return toast("The playground doesn't respond. Is it still running?", "bad");
  const { steps } = await response.json();
  const box = h("dialog", { class: "modal", "aria-labelledby": "setup-title", on: { close: () => box.remove() } },
    h("header", { class: "modal-head" }, h("img", { class: "modal-icon", src: "/web/bell.svg", alt: "" }), h("h2", { id: "setup-title" }, "Set it up in your Slack"),
      h("button", { class: "modal-close", type: "button", "aria-label": "Close", on: { click: () => box.close() } }, "×")),
    h("div", { class: "modal-body setup" },
      h("p", {}, "About ten minutes. You need permission to install Slack apps, and a machine that can reach Slack and Bitrise."),
      h("ol", {}, ...steps.map((step) => h("li", {}, ...mrkdwn(step)))),
      h("p", { class: "hint" }, "From ", h("code", {}, "README.md"), ", which also covers HTTP, containers and many workspaces.")));
  for (const link of box.querySelectorAll("a")) link.dataset.leaves = "yes";
  document.body.append(box);
  box.showModal();
}
