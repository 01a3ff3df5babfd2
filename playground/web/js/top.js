/** The top bar: the person, the color scheme, and the visible side on a narrow window. */
import { sitDown } from "./api.js";
import { fill, h, keepFocus } from "./dom.js";
import { play } from "./play.js";
import { section, watch } from "./state.js";
import { nextTheme, themeName } from "./theme.js";
import { closeWelcome, showWelcome } from "./welcome.js";

export function watchTop() {
  watch(["world", "here"], draw);
  drawSides();
}

function draw() {
  const world = section("world");
  if (!world) return;
  const rest = document.getElementById("top-rest");
  const people = world.people.filter((each) => !each.is_bot);
  const who = h("select", { id: "who", data: { focus: "who" }, on: { change: (event) => sitDown(event.target.value) } },
    ...people.map((each) => h("option", { value: each.name, selected: each.id === world.me }, `${each.real_name} – ${role(each)}`)));
  const theme = h("button", { class: "theme", type: "button", data: { focus: "theme" }, title: "Color scheme: system, light or dark", on: { click: () => { nextTheme(); draw(); } } }, h("span", {}, themeName()[0]), h("span", { class: "top-word" }, themeName().slice(1)));
  const start = () => {
    closeWelcome();
    play();
  };
  const buttons = [
    h("button", { class: "theme", type: "button", data: { focus: "play" }, "aria-label": "Play it for me", on: { click: start } }, "▶", h("span", { class: "top-word" }, " Play it for me")),
    h("button", { class: "theme", type: "button", data: { focus: "about" }, "aria-label": "About this page", title: "About this page", on: { click: showWelcome } }, "?"),
  ];
  keepFocus(rest, () => fill(rest, h("span", { class: "link-lost", role: "alert" }, "Connection lost. Reconnecting…"), buttons, h("label", { for: "who" }, "You are "), who, theme));
}

/** @param {any} who */
function role(who) {
  if (who.is_guest) return `guest from ${who.team}`;
  return who.is_admin ? "admin" : "engineer";
}

function drawSides() {
  const stage = document.getElementById("stage");
  const side = (name, label) => h("button", { type: "button", class: "side", "aria-pressed": String(stage.dataset.side === name), data: { focus: `side-${name}` }, on: { click: () => {
    stage.dataset.side = name;
    keepFocus(document.getElementById("sides"), drawSides);
  } } }, label);
  fill(document.getElementById("sides"), side("slack", "Slack"), side("bitrise", "Bitrise"));
}

