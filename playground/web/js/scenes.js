/** Scenes that are hard to reach by hand, each by one button. */
import { act, sitDown } from "./api.js";
import { fill, h } from "./dom.js";
import { pressing } from "./elements.js";
import { go, me, section, watch } from "./state.js";

/** @returns {HTMLElement} */
export function scenesPanel() {
  const list = h("ul", { class: "scenes" });
  let drawn = "";
  watch(["stage"], () => {
    const scenes = section("stage")?.scenes ?? [];
    const sign = JSON.stringify(scenes);
    if (sign === drawn) return;
    drawn = sign;
    fill(list, scenes.map(sceneNode));
  });
  return h("div", {}, h("p", { class: "hint" }, "One press plays a scene in #ios, as Ana."), list);
}

/** @param {any} scene */
function sceneNode(scene) {
  const button = h("button", { class: "button", type: "button", data: { focus: `scene-${scene.id}`, scene: scene.id }, "aria-describedby": `scene-${scene.id}`,
    on: { click: () => pressing(button, () => playScene(scene.id)) } }, scene.label);
  return h("li", {}, button, h("span", { class: "choice-description", id: `scene-${scene.id}` }, scene.hint));
}

/** Watch the scene where it is played. @param {string} id */
async function playScene(id) {
  if (me()?.name !== "ana") sitDown("ana");
  go({ channel: "ios", thread: "" });
  const answer = await act(`scenes/${id}`);
  if (answer.ok) document.querySelector('[data-focus="side-slack"]')?.click();
}
