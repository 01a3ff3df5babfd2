/** Play it for me: performs the steps of the show in the page, and can be paused, skipped and taken over. */
import { act } from "./api.js";
import { fill, h, keepFocus } from "./dom.js";
import { isPointing, point, unpoint } from "./pointer.js";
import { showSetup } from "./setup.js";
import { STEPS } from "./show.js";
import { section } from "./state.js";

const TICK_MS = 50;
const READING_MS = 2200;
const PATIENCE_MS = 40_000;

/** The show was taken over. */
class Stopped extends Error {}

/** @type {Player | null} */
let player = null;
const bar = h("section", { class: "player", "aria-label": "Play it for me", hidden: true });

/** @returns {HTMLElement[]} the player's bar, for the dialog on top, which makes the rest of the page inert */
export const playerBar = () => (player ? [bar] : []);

/** @param {HTMLElement} dialog put the bar back on the page before a dialog goes away */
export function keepBar(dialog) {
  if (dialog.contains(bar)) keepFocus(bar, () => document.body.append(bar));
}

export function watchPlayer() {
  document.body.append(bar);
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, tookOver, true);
}

/** A person's own click or key pauses the show; Tab and the player's buttons don't. @param {Event} event */
function tookOver(event) {
  const isOwn = event.isTrusted && !(event.target instanceof Node && bar.contains(event.target));
  if (!isOwn || ["Tab", "Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
  player?.pause();
}

export function play() {
  if (player && !player.isOver) return;
  player = new Player();
  player.run();
}

class Player {
  constructor() {
    Object.assign(this, { at: 0, isPaused: false, isOver: false, isSkipped: false, problem: "" });
  }

  async run() {
    document.documentElement.dataset.playing = "yes";
    (document.querySelector("dialog[open]") ?? document.body).append(bar);
    bar.hidden = false;
    try {
      for (; this.at < STEPS.length; this.at++) {
        this.draw();
        await STEPS[this.at].play(this);
        await this.rest(READING_MS);
      }
    } catch (error) {
      if (!(error instanceof Stopped)) this.problem = error.message;
    }
    this.isOver = true;
    await tidy();
    if (document.documentElement.dataset.playing && !this.isClosed) this.draw();
  }

  pause() {
    if (this.isOver || this.isPaused) return;
    this.isPaused = true;
    unpoint();
    this.draw();
  }

  resume() {
    this.isPaused = false;
    this.draw();
  }

  skip() {
    this.isSkipped = true;
    this.resume();
  }

  close() {
    Object.assign(this, { isOver: true, isPaused: false, isClosed: true });
    bar.hidden = true;
    delete document.documentElement.dataset.playing;
  }

  /** Return when the show may go on. */
  async gate() {
    while (this.isPaused && !this.isOver) await delay(TICK_MS);
    if (this.isOver) throw new Stopped();
  }

  /** Give time to read. *Next* ends it. @param {number} millis */
  async rest(millis) {
    for (let left = millis; left > 0 && !this.isSkipped; left -= TICK_MS) {
      await delay(TICK_MS);
      await this.gate();
    }
    await this.gate();
    this.isSkipped = false;
  }

  /**
   * Wait until `find` returns something. @template T
   * @param {string} what @param {() => T | null | undefined | false} find @returns {Promise<T>}
   */
  async until(what, find) {
    for (let left = PATIENCE_MS; left > 0; left -= TICK_MS) {
      await this.gate();
      const found = find();
      if (found) return found;
      await delay(TICK_MS);
    }
    throw new Error(`Stopped: ${what} didn't appear.`);
  }

  /** Press what `find` returns, visibly. @param {string} what @param {() => HTMLElement | null | undefined} find */
  async press(what, find) {
    point(await this.until(what, find));
    await this.rest(isPointing() ? 700 : 300);
    unpoint();
    // The page may have redrawn it meanwhile.
    (await this.until(what, find)).click();
  }

  draw() {
    const { caption } = STEPS[Math.min(this.at, STEPS.length - 1)];
    const isThrough = this.at >= STEPS.length;
    const text = this.problem || (isThrough ? "Your turn: type /build, or break something under Faults." : caption);
    const count = isThrough ? "" : `${this.at + 1} of ${STEPS.length}`;
    keepFocus(bar, () => fill(bar,
      h("span", { class: "player-count" }, this.isOver ? "" : this.isPaused ? "Paused" : count),
      h("p", { class: "player-caption", role: "status" }, text),
      h("div", { class: "player-buttons" }, ...(this.isOver ? this.lastButtons() : this.buttons()))));
  }

  buttons() {
    return [
      this.isPaused
        ? control("Resume", "pause", () => this.resume(), "button-primary")
        : control("Pause", "pause", () => this.pause()),
      control("Next", "next", () => this.skip()),
      control("Take over", "over", () => this.close()),
    ];
  }

  lastButtons() {
    return [
      control("Play again", "pause", () => { this.close(); play(); }),
      control("Set it up in your Slack", "next", showSetup, "button-primary"),
      control("Close", "over", () => this.close()),
    ];
  }
}

/** @param {string} label @param {string} focus @param {() => void} run @param {string} [kind] */
function control(label, focus, run, kind = "") {
  return h("button", { class: `button button-small ${kind}`, type: "button", data: { focus: `player-${focus}` }, on: { click: run } }, label);
}

/** Leave the stage in order: the bot runs, and the builds have their usual speed. */
async function tidy() {
  unpoint();
  const stage = section("stage");
  if (!stage) return;
  if (!stage.bot.is_running) await act("trouble/once", { id: "bot-start" });
  if (stage.speed !== 1) await act("trouble/speed", { speed: 1 });
}

/** @param {number} millis */
const delay = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
