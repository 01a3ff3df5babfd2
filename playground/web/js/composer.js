/** The composer: messages, commands with completion, and shortcuts behind the plus. */
import { act } from "./api.js";
import { Completion } from "./completion.js";
import { h } from "./dom.js";
import { menu } from "./overflow.js";
import { complain } from "./place.js";
import { here, section } from "./state.js";
import { toast } from "./toast.js";

const DRAFTS = "buildbell-draft";
const TALLEST = 160;

/** @param {any} channel @param {string} [thread] the ts of the message whose thread it is @returns {HTMLElement} */
export function composer(channel, thread) {
  const id = thread ? "composer-thread" : "composer-text";
  const label = thread ? "Reply…" : `Message #${channel.name}`;
  const text = h("textarea", { id, class: "composer-text", rows: 1, placeholder: label, "aria-label": label, spellcheck: "false", "aria-autocomplete": "list" });
  const list = h("ul", { class: "completions", role: "listbox", id: `${id}-completions`, "aria-label": "Completions", hidden: true });
  const hint = h("div", { class: "composer-hint", id: `${id}-hint` });
  const draft = `${DRAFTS}/${here.person}/${channel.id}/${thread ?? ""}`;
  const completion = new Completion(text, list, { commands: thread ? [] : section("world").app?.commands ?? [] });
  const changed = () => {
    sessionStorage.setItem(draft, text.value);
    text.style.height = "auto";
    text.style.height = `${Math.min(TALLEST, text.scrollHeight)}px`;
    completion.look();
    hint.textContent = usage(text.value);
  };
  const send = async () => {
    const typed = text.value.trim();
    if (!typed) return;
    text.value = "";
    changed();
    if (!(await sent(channel, typed, thread)) && !text.value) {
      text.value = typed;
      changed();
    }
  };
  text.value = sessionStorage.getItem(draft) ?? "";
  text.setAttribute("aria-describedby", hint.id);
  text.addEventListener("input", changed);
  text.addEventListener("keydown", (event) => {
    if (completion.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  });
  completion.taken = changed;
  return h("form", { class: "composer", on: { submit: (event) => { event.preventDefault(); send(); } } }, list, text, hint,
    h("div", { class: "composer-tools" }, thread ? null : plus(), h("button", { class: "send", type: "submit", "aria-label": "Send" }, "➤")));
}

/** @param {any} channel @param {string} typed @param {string} [thread] */
async function sent(channel, typed, thread) {
  if (!typed.startsWith("/")) return (await act("slack/say", { channel: channel.id, text: typed, thread_ts: thread ?? null })).ok;
  const word = typed.split(/\s/)[0];
  if (thread) {
    toast(`${word} doesn't work in threads.`, "bad");
    return false;
  }
  const answer = await act("slack/command", { channel: channel.id, text: typed });
  if (!answer.ok && !answer.isTold) toast(`${word} failed with the error “${answer.error}”`, "bad");
  return answer.ok;
}

/** The usage hint of the typed command. @param {string} typed */
function usage(typed) {
  const [word, ...rest] = typed.split(" ");
  const command = (section("world").app?.commands ?? []).find((each) => each.command === word);
  return command && rest.length ? `${command.command} ${command.usage_hint ?? ""}` : "";
}

/** The global shortcuts. */
function plus() {
  const shortcuts = (section("world").app?.shortcuts ?? []).filter((each) => each.type === "global");
  const entries = shortcuts.map((each) => ({
    label: `${each.name} – ${section("world").app.name}`,
    hint: each.description,
    run: async () => complain(await act("slack/shortcut", { callback_id: each.callback_id })),
  }));
  return menu({ label: "Shortcuts", face: "+", entries: entries.length ? entries : [{ label: "No shortcuts available", run: () => {} }], kind: "plus", focus: "plus" });
}
