/** Completion in the composer: commands after a slash, people after an @, channels after a #. */
import { fill, h } from "./dom.js";
import { section } from "./state.js";

/** @typedef {{insert: string, from: number, isWhole: boolean, label: string, hint: string, description: string}} Offer */

export class Completion {
  /** @param {HTMLTextAreaElement} text @param {HTMLElement} list @param {{commands: any[]}} known */
  constructor(text, list, { commands }) {
    Object.assign(this, { text, list, commands, offers: /** @type {Offer[]} */ ([]), at: 0, taken: () => {} });
    list.addEventListener("mousedown", (event) => event.preventDefault());
    text.addEventListener("blur", () => this.show([]));
    text.setAttribute("aria-controls", list.id);
  }

  look() {
    const before = this.text.value.slice(0, this.text.selectionStart ?? this.text.value.length);
    this.show(document.activeElement === this.text ? this.find(before) : []);
  }

  /** @param {string} before the text up to the caret @returns {Offer[]} */
  find(before) {
    if (/^\/\S*$/.test(before)) return this.commandsFor(before);
    const [, mark, typed] = before.match(/(?:^|\s)([@#])([\w.-]*)$/) ?? [];
    if (!mark) return [];
    const from = before.length - typed.length - 1;
    const offer = (name, description) => ({ insert: `${mark}${name} `, from, isWhole: false, label: `${mark}${name}`, hint: "", description });
    const world = section("world");
    const known = mark === "@"
      ? world.people.map((each) => [each.name, each.real_name])
      : world.channels.filter((each) => !each.is_direct).map((each) => [each.name, each.is_private ? "private" : ""]);
    return known.filter(([name, real]) => `${name} ${real}`.toLowerCase().includes(typed.toLowerCase())).map(([name, real]) => offer(name, real));
  }

  /** @param {string} typed @returns {Offer[]} */
  commandsFor(typed) {
    return this.commands.filter((each) => each.command.startsWith(typed)).map((each) => ({
      insert: `${each.command} `, from: 0, isWhole: each.command === typed, label: each.command,
      hint: each.usage_hint ?? "", description: each.description ?? "",
    }));
  }

  /** @param {Offer[]} offers */
  show(offers) {
    this.offers = offers;
    this.at = 0;
    this.list.hidden = !offers.length;
    fill(this.list, offers.map((offer, place) => h("li", { role: "option", id: `${this.list.id}-${place}`, on: { click: () => this.take(offer) } },
      h("strong", {}, offer.label), h("span", { class: "hint" }, offer.hint), h("span", { class: "choice-description" }, offer.description))));
    this.mark();
  }

  mark() {
    [...this.list.children].forEach((child, place) => {
      child.classList.toggle("is-at", place === this.at);
      child.setAttribute("aria-selected", String(place === this.at));
    });
    const id = this.list.children[this.at]?.id;
    if (id) this.text.setAttribute("aria-activedescendant", id);
    else this.text.removeAttribute("aria-activedescendant");
  }

  /** @param {Offer} offer */
  take(offer) {
    const caret = this.text.selectionStart ?? this.text.value.length;
    this.text.value = this.text.value.slice(0, offer.from) + offer.insert + this.text.value.slice(caret);
    this.text.selectionStart = this.text.selectionEnd = offer.from + offer.insert.length;
    this.show([]);
    this.taken();
  }

  /** Return whether the list handled the key. @param {KeyboardEvent} event */
  key(event) {
    if (!this.offers.length) return false;
    const offer = this.offers[this.at];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + this.offers.length) % this.offers.length;
      this.mark();
    } else if (event.key === "Escape") {
      this.show([]);
    } else if (event.key === "Tab" || (event.key === "Enter" && !offer.isWhole)) {
      this.take(offer);
    } else {
      return false; // Enter sends a complete command
    }
    event.preventDefault();
    return true;
  }
}
