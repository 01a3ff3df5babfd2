/** A select with a search field: options load while typing and are selected by mouse or keyboard. */
import { h, fill } from "./dom.js";
import { plain, textOf } from "./text.js";

const TYPING_MS = 120;
let count = 0;

/**
 * @typedef {object} Combobox
 * @property {string} [id] @property {string} [label] @property {string} [describedBy]
 * @property {boolean} [isWrong] @property {boolean} [isRequired]
 * @property {string} focus key to restore the focus after a redraw
 * @property {string} placeholder
 * @property {any[]} chosen selected options
 * @property {boolean} isMany
 * @property {number} most maximum of selected options
 * @property {boolean} isSearched whether options come from the app, which takes a moment
 * @property {(typed: string) => Promise<any[]>} offers
 * @property {(options: any[]) => Promise<boolean>} take
 */

/** @param {Combobox} how @returns {HTMLElement} */
export function combobox(how) {
  const list = h("ul", { class: "options", role: "listbox", id: `options-${++count}`, hidden: true, "aria-label": how.label ?? how.placeholder });
  const input = h("input", {
    class: "field combobox-input", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
    id: how.id ?? null, placeholder: how.placeholder || "Choose…", data: { focus: how.focus },
    "aria-label": how.id ? null : how.placeholder, "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list",
    "aria-describedby": how.describedBy || null, "aria-invalid": how.isWrong ? "true" : null, "aria-required": how.isRequired ? "true" : null,
  });
  const box = h("div", { class: "combobox" });
  const open = new Opened(how, input, list);
  const clear = h("button", { class: "combobox-clear", type: "button", "aria-label": "Clear", on: { click: () => open.clear() } }, "×");
  const chips = h("span", { class: "chips" });
  open.drawChosen = () => {
    fill(chips, how.isMany ? how.chosen.map((option) => chip(option, () => open.drop(option))) : null);
    input.value = how.isMany ? "" : plain(how.chosen[0]?.text);
    clear.hidden = how.isMany || !how.chosen.length;
  };
  open.drawChosen();
  fill(box, chips, input, clear, h("span", { class: "combobox-arrow", "aria-hidden": "true" }), list);
  return box;
}

/** @param {any} option @param {() => void} drop */
function chip(option, drop) {
  return h("span", { class: "chip" }, ...textOf(option.text),
    h("button", { type: "button", "aria-label": `Remove ${plain(option.text)}`, on: { click: drop } }, "×"));
}

/** The open list under an input. */
class Opened {
  /** @param {Combobox} how @param {HTMLElement} input @param {HTMLElement} list */
  constructor(how, input, list) {
    Object.assign(this, { how, input, list, options: [], at: -1, asked: 0, timer: 0, isWaiting: false, isWanted: false, drawChosen: () => {} });
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => this.open(""));
    input.addEventListener("input", () => this.typed());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => setTimeout(() => this.close(), 120));
    list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  get isOpen() {
    return !this.list.hidden;
  }

  typed() {
    clearTimeout(this.timer);
    this.wait(); // options of an older query must not be selected
    this.timer = setTimeout(() => this.open(this.input.value), this.how.isSearched ? TYPING_MS : 0);
  }

  /** @param {string} typed */
  async open(typed) {
    const mine = this.wait();
    const options = await this.how.offers(typed);
    // An older response must not replace a newer query.
    if (mine !== this.asked || document.activeElement !== this.input) return;
    const isWanted = this.isWanted;
    this.show(options, "No results");
    if (isWanted && options.length) this.take(options[0]);
  }

  /** @returns {number} the number of the current query */
  wait() {
    this.show([], "Loading…");
    this.isWaiting = true;
    return ++this.asked;
  }

  /** @param {any[]} options @param {string} otherwise */
  show(options, otherwise) {
    this.isWaiting = this.isWanted = false;
    this.options = options;
    this.at = options.length ? 0 : -1;
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    fill(this.list, options.length
      ? options.flatMap((option, place) => [this.heading(option, options[place - 1]), this.entry(option, place)])
      : h("li", { class: "options-none", role: "option", "aria-disabled": "true" }, otherwise));
    this.mark();
    this.stand();
  }

  /** Add the label of a group before its first option. @param {any} option @param {any} before */
  heading(option, before) {
    if (!option.group || option.group === before?.group) return null;
    return h("li", { class: "options-group", role: "presentation" }, option.group);
  }

  /** @param {any} option @param {number} place */
  entry(option, place) {
    const isChosen = this.how.chosen.some((each) => each.value === option.value);
    // On mousedown, not on click: a response may redraw the list in between.
    const take = () => this.isOpen && this.take(option);
    return h("li", { role: "option", id: `${this.list.id}-${place}`, "aria-selected": String(isChosen), class: isChosen ? "is-chosen" : "",
        data: { value: option.value }, on: { mousedown: take, click: take } },
      ...textOf(option.text), option.description ? h("span", { class: "choice-description" }, ...textOf(option.description)) : null);
  }

  /** Place the list below the input, or above without room; fixed, so that nothing clips it. */
  stand() {
    const box = this.input.getBoundingClientRect();
    const room = window.innerHeight - box.bottom - 8;
    const above = room < 160 && box.top > room;
    this.list.style.width = `${box.width}px`;
    this.list.style.left = `${box.left}px`;
    this.list.style.maxHeight = `${Math.min(260, above ? box.top - 8 : room)}px`;
    this.list.style.top = above ? "auto" : `${box.bottom + 2}px`;
    this.list.style.bottom = above ? `${window.innerHeight - box.top + 2}px` : "auto";
  }

  mark() {
    const entries = [...this.list.querySelectorAll("[role=option]")];
    entries.forEach((child, place) => child.classList.toggle("is-at", place === this.at));
    const child = entries[this.at];
    child?.scrollIntoView({ block: "nearest" });
    if (child?.id) this.input.setAttribute("aria-activedescendant", child.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!this.isOpen) return void this.open("");
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.at = (this.at + step + this.options.length) % Math.max(1, this.options.length);
      this.mark();
    } else if (event.key === "Enter" && this.isOpen) {
      event.preventDefault();
      this.isWanted = this.isWaiting; // typed faster than the response: select its first option
      if (this.options[this.at]) this.take(this.options[this.at]);
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Tab" && this.isOpen) {
      this.close();
    }
  }

  /** @param {any} option */
  async take(option) {
    const before = this.how.chosen;
    const others = before.filter((each) => each.value !== option.value);
    if (this.how.isMany && others.length === before.length && before.length >= this.how.most) return void this.show([], `No more than ${this.how.most}`);
    this.how.chosen = this.how.isMany ? (others.length < before.length ? others : [...before, option]) : [option];
    this.close();
    if (!(await this.how.take(this.how.chosen))) this.how.chosen = before;
    this.drawChosen();
  }

  /** @param {any} option */
  async drop(option) {
    this.how.chosen = this.how.chosen.filter((each) => each.value !== option.value);
    this.drawChosen();
    await this.how.take(this.how.chosen);
  }

  async clear() {
    this.how.chosen = [];
    this.drawChosen();
    await this.how.take([]);
  }

  close() {
    clearTimeout(this.timer);
    this.asked++;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.drawChosen();
  }
}
