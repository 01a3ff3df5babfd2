/** The first screen: a summary of the page, its people, and the ways to begin. */
import { sitDown } from "./api.js";
import { fill, h, keepFocus } from "./dom.js";
import { play } from "./play.js";
import { showSetup } from "./setup.js";
import { me, section, watch } from "./state.js";

const CLOSED = "buildbell-welcome-closed";
/** Why somebody would switch to that person. */
const ROLES = {
  ana: "engineer, starts builds",
  bo: "engineer, stops Ana's build",
  ada: "admin, connects Bitrise",
  gus: "guest of a partner, can only look",
};

const node = () => document.getElementById("welcome");

export function watchWelcome() {
  watch(["world"], draw);
}

export function showWelcome() {
  sessionStorage.removeItem(CLOSED);
  draw();
  node().querySelector("button")?.focus();
}

export function closeWelcome() {
  sessionStorage.setItem(CLOSED, "yes");
  draw();
}

function draw() {
  const world = section("world");
  if (!world) return;
  node().hidden = sessionStorage.getItem(CLOSED) === "yes";
  const people = Object.keys(ROLES).map((name) => world.people.find((each) => each.name === name)).filter(Boolean);
  const begin = () => {
    closeWelcome();
    play();
  };
  const button = (label, focus, run, kind = "") => h("button", { class: `button ${kind}`, type: "button", data: { focus }, on: { click: run } }, label);
  keepFocus(node(), () => fill(node(),
    h("div", { class: "welcome-text" },
      h("p", {}, h("strong", {}, "A practice Slack and a practice Bitrise, with the real Buildbell bot between them."), " Nothing leaves your machine."),
      h("p", {}, `You are ${me()?.real_name ?? "Ana Diaz"}. Switch people to see what others see and may do:`)),
    h("ul", { class: "welcome-people" }, ...people.map((each) => h("li", {}, h("button", {
      class: "welcome-person", type: "button", "aria-pressed": String(each.id === world.me), data: { focus: `welcome-${each.name}` }, on: { click: () => sitDown(each.name) },
    }, h("strong", {}, each.real_name), h("span", {}, ROLES[each.name]))))),
    h("div", { class: "welcome-buttons" },
      button("▶ Play it for me", "welcome-play", begin, "button-primary"),
      button("Explore on your own", "welcome-close", closeWelcome),
      button("Set it up in your Slack", "welcome-setup", showSetup))));
}
