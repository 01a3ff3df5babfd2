/** Bitrise's builds: running ones with their buttons, finished ones, and the form that starts one. */
import { act } from "./api.js";
import { clockOf, drawClocks } from "./buildclock.js";
import { h, keep } from "./dom.js";
import { menu } from "./overflow.js";
import { section, watch } from "./state.js";
import { starter, tokenBox } from "./starter.js";
import { span } from "./when.js";

const WORDS = { "on-hold": "On hold", "in-progress": "Running", success: "Succeeded", error: "Failed", aborted: "Aborted", "aborted-with-success": "Skipped" };

/** @returns {HTMLElement} */
export function buildsPanel() {
  const running = h("div", { class: "builds", "aria-label": "Running and queued builds" });
  const ended = h("div", { class: "builds", "aria-label": "Finished builds" });
  watch(["bitrise"], () => {
    const builds = section("bitrise")?.builds ?? [];
    const how = (draw) => ({ key: (each) => each.slug, sign: (each) => JSON.stringify(each), draw });
    keep(running, builds.filter((each) => !each.finished_at), how(runningBuild));
    keep(ended, builds.filter((each) => each.finished_at), how(endedBuild));
    drawClocks();
  });
  return h("div", {}, starter(), tokenBox(), h("h3", {}, "Running and queued"), running, h("p", { class: "nothing" }, "No build is running."), h("h3", {}, "Finished"), ended);
}

/** @param {any} build */
function runningBuild(build) {
  const isHeld = build.state === "on-hold";
  const action = (name, facts = {}) => () => act(`bitrise/${name}`, { build: build.slug, ...facts });
  const button = (label, name, kind = "") => h("button", { class: `button button-small ${kind}`, type: "button", data: { focus: `${build.slug}-${name}` }, on: { click: action(name) } }, label);
  const fails = build.steps.map((step) => ({ label: `at ${step}`, run: action("fail", { step }) }));
  return h("article", { class: "build", data: { build: build.slug, state: build.state }, "aria-label": `${build.app} ${build.workflow} number ${build.number}` },
    head(build), facts(build), clockOf(build),
    h("div", { class: "build-buttons" },
      button("Succeed", "finish", "button-primary"),
      menu({ label: "Fail at a step", face: "Fail ▾", entries: fails, kind: "button button-small button-danger", focus: `${build.slug}-fail` }),
      isHeld || build.stage === "starting" ? button("Run now", "run") : button("Hold", "hold"),
      button("Skip", "skip"),
      button("Abort", "abort")));
}

/** @param {any} build */
function endedBuild(build) {
  const ran = build.started_at ? span((build.finished_at - build.started_at) / 1000) : "never started";
  const why = build.failed_step ? `at ${build.failed_step}` : build.reason;
  return h("article", { class: "build build-ended", data: { build: build.slug, state: build.state } },
    head(build), facts(build), h("div", { class: "build-facts" }, ran, why ? h("span", { class: "build-why" }, ` · ${why}`) : null));
}

/** @param {any} build */
function head(build) {
  const word = build.stage === "starting" ? "Starting" : WORDS[build.state] ?? build.state;
  return h("div", { class: "build-head" }, h("span", { class: `state state-${build.state}` }, word),
    h("a", { href: build.url, target: "_blank", rel: "noopener", class: "build-name" }, `${build.app} · ${build.workflow}`), h("span", { class: "build-number" }, `#${build.number}`));
}

/** @param {string | null} by as Bitrise stores it */
function cause(by) {
  const [, person] = by?.match(/^buildbell-(\w+)-/) ?? [];
  const [, pusher] = by?.match(/^webhook-\w+\/(.+)$/) ?? [];
  return person ? `by ${person}, from Slack` : pusher ? `pushed by ${pusher}` : by ? `by ${by}` : "started through the API";
}

/** @param {any} build */
function facts(build) {
  const place = [build.branch, build.commit, build.pull_request ? `pull request #${build.pull_request}` : ""].filter(Boolean).join(" · ");
  return h("div", { class: "build-facts" },
    place ? h("span", { class: "mono" }, place) : null, build.commit_message ? h("span", { class: "build-message" }, build.commit_message) : null,
    h("span", { class: "build-by" }, cause(build.triggered_by)));
}
