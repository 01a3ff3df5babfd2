/** Start a build like a push, a pull request or a schedule; and the bot's Bitrise token. */
import { act } from "./api.js";
import { fill, h } from "./dom.js";
import { section, watch } from "./state.js";
import { toast } from "./toast.js";

const CAUSES = { push: "Push", "pull-request": "Pull request", schedule: "Schedule" };

/** @returns {HTMLElement} */
export function starter() {
  const app = h("select", { id: "start-app", class: "field" });
  const workflow = h("select", { id: "start-workflow", class: "field" });
  const branch = h("input", { id: "start-branch", class: "field", list: "start-branches", autocomplete: "off", spellcheck: "false" });
  const branches = h("datalist", { id: "start-branches" });
  const message = h("input", { id: "start-message", class: "field", placeholder: "Leave empty for a sample", autocomplete: "off" });
  let known = "";
  const fillApp = () => {
    const chosen = section("bitrise").apps.find((each) => each.slug === app.value);
    fill(workflow, chosen.workflows.map((name) => h("option", { value: name }, name)));
    fill(branches, chosen.branches.map((name) => h("option", { value: name })));
    branch.value = chosen.branches[0] ?? "main";
  };
  app.addEventListener("change", fillApp);
  watch(["bitrise"], () => {
    const { apps } = section("bitrise") ?? {};
    if (!apps || known === JSON.stringify(apps)) return;
    known = JSON.stringify(apps);
    fill(app, apps.map((each) => h("option", { value: each.slug }, each.title)));
    fillApp();
  });
  const start = (cause) => act("bitrise/start", { cause, app: app.value, workflow: workflow.value, branch: branch.value, commit_message: message.value });
  const field = (label, input) => h("label", { class: "starter-field" }, h("span", {}, label), input);
  return h("details", { class: "starter" }, h("summary", {}, "Start a build outside Slack"),
    h("div", { class: "starter-fields" }, field("App", app), field("Workflow", workflow), field("Branch", branch), field("Commit message", message), branches),
    h("div", { class: "build-buttons" }, ...Object.entries(CAUSES).map(([cause, label]) =>
      h("button", { class: "button button-small", type: "button", data: { cause }, on: { click: () => start(cause) } }, label))));
}

/** The token of the bot, expanded until it is connected. @returns {HTMLElement} */
export function tokenBox() {
  const box = h("details", { class: "starter" });
  let shown = "";
  watch(["bitrise", "guide"], () => {
    const value = section("bitrise")?.token;
    const isMissing = (section("guide") ?? []).some((step) => step.id === "connect" && !step.is_done);
    const sign = `${value} ${isMissing}`;
    if (!value || shown === sign) return;
    shown = sign;
    box.open = isMissing;
    fill(box, h("summary", {}, "Bitrise token for the bot"), h("div", { class: "token" }, ...tokenLine(value)));
  });
  return box;
}

/** @param {string} value */
function tokenLine(value) {
  const copy = async () => {
    await navigator.clipboard?.writeText(value);
    toast("Token copied.");
  };
  return [h("span", {}, "User ci-bot: "), h("code", { id: "bitrise-token" }, value), h("button", { class: "button button-small", type: "button", on: { click: copy } }, "Copy")];
}
