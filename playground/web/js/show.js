/** The steps of Play it for me: each has a caption and uses the page as a person would. */
import { act, sitDown } from "./api.js";
import { isCalm, point, unpoint } from "./pointer.js";
import { go, me, openChannel, section, wire } from "./state.js";

/** @typedef {any} Player @typedef {{caption: string, play: (player: Player) => Promise<void>}} Step */

const LETTER_MS = 30;
/** Slugs of the builds by the part they play. */
const cast = {};

/** @type {Step[]} */
export const STEPS = [
  {
    caption: "Ana starts a build: app, workflow, branch and a message.",
    play: async (player) => {
      await start(player, "ana", "/build shop deploy main \"candidate for 3.3\"", "deploy");
      await cardHolds(player, "deploy", "Queued");
    },
  },
  {
    caption: "One message, the card, tracks the build to its result. (At 60× speed.)",
    play: async (player) => {
      await onBuild(player, "deploy", "Run now");
      await player.press("the speed", () => find('[data-focus="speed-60"]'));
      side("slack");
      await cardHolds(player, "deploy", "Succeeded");
      await act("trouble/speed", { speed: 1 });
    },
  },
  {
    caption: "Ana starts the next build on the wrong branch.",
    play: async (player) => {
      await start(player, "ana", "/build shop deploy develop", "wrong");
      await onBuild(player, "wrong", "Run now");
      side("slack");
      await cardHolds(player, "wrong", "Running");
    },
  },
  {
    caption: "Bo stops it. Everyone sees who stopped it and why.",
    play: async (player) => {
      await be(player, "bo");
      await player.press("Stop", () => buttonOf(cardNode("wrong"), "Stop"));
      await fillStopForm(player);
      await cardHolds(player, "wrong", "Aborted");
    },
  },
  {
    caption: "Bo subscribes the channel to changed results.",
    play: async (player) => {
      await be(player, "bo");
      const before = messages().length;
      await type(player, "/build subscribe shop workflow:test branch:main style:changes");
      await player.until("the subscription", () => messages().length > before);
    },
  },
  {
    caption: "Octocat pushes to main, and the tests pass.",
    play: async (player) => {
      await push(player, "Add gift cards", "green");
      await onBuild(player, "green", "Succeed");
      await synced(player, "green");
    },
  },
  {
    caption: "The next push breaks main. The channel is notified once.",
    play: async (player) => {
      await push(player, "Round prices down", "broken");
      await onBuild(player, "broken", "Fail at a step");
      await player.press("the step", () => [...document.querySelectorAll("#bitrise [role=menuitem]")].find((each) => each.textContent === "at xcode-test" && each.offsetParent));
      side("slack");
      await player.until("the notification", () => noticeOf("broken", "Broken"));
    },
  },
  {
    caption: "The thread shows the failed test and the lines that matter.",
    play: async (player) => {
      await be(player, "bo");
      await player.press("the thread", () => find(`article[data-ts="${noticeOf("broken", "Broken")?.ts}"] .answers`));
      await player.until("the reason", () => document.querySelectorAll("#thread article").length > 1);
      await player.rest(3500);
      go({ thread: "" });
    },
  },
  {
    caption: "While a build is running, the bot is killed (kill -9).",
    play: async (player) => {
      await start(player, "ana", "/build shop test develop", "survivor");
      await onBuild(player, "survivor", "Run now");
      await cardHolds(player, "survivor", "Running");
      await fault(player, "bot-kill");
      await player.until("the end of the bot", () => !section("stage").bot.is_running);
    },
  },
  {
    caption: "The build finishes, and nobody is there to notice.",
    play: async (player) => {
      await onBuild(player, "survivor", "Succeed");
      side("slack");
    },
  },
  {
    caption: "The bot starts again and catches up. Nothing is lost or posted twice.",
    play: async (player) => {
      await fault(player, "bot-start");
      await player.until("the bot", () => section("stage").bot.is_running && section("stage").sockets);
      side("slack");
      await cardHolds(player, "survivor", "Succeeded");
    },
  },
  {
    caption: "The fix is pushed, and the channel sees that main works again.",
    play: async (player) => {
      await push(player, "Round prices half up", "fixed");
      await onBuild(player, "fixed", "Succeed");
      side("slack");
      await player.until("the notification", () => noticeOf("fixed", "Fixed"));
    },
  },
];

// Actions.

/** Be that person in #ios, visibly. @param {Player} player @param {string} name */
async function be(player, name) {
  side("slack");
  if (me()?.name !== name) {
    point(document.getElementById("who"));
    await player.rest(700);
    unpoint();
    sitDown(name);
    await player.until(name, () => me()?.name === name);
  }
  if (openChannel()?.name !== "ios") go({ channel: "ios", thread: "" });
}

/** Type into the composer, letter by letter, and send. @param {Player} player @param {string} text */
async function type(player, text) {
  const composer = await player.until("the composer", () => document.getElementById("composer-text"));
  for (let length = isCalm() ? text.length : 1; length <= text.length; length++) {
    composer.value = text.slice(0, length);
    composer.dispatchEvent(new Event("input"));
    await player.rest(LETTER_MS);
  }
  await player.rest(600);
  composer.value = text; // a person may have typed during a pause
  composer.form.requestSubmit();
}

/** Start a build by a command, and remember it. @param {Player} player @param {string} name @param {string} text @param {string} part */
async function start(player, name, text, part) {
  await be(player, name);
  const before = new Set(builds().map((each) => each.slug));
  await type(player, text);
  const anyway = () => buttonOf([...document.querySelectorAll("#conversation .is-private")].at(-1), "Start anyway");
  const isNew = (each) => !before.has(each.slug);
  const found = await player.until("the build", () => builds().find(isNew) ?? anyway());
  if (found instanceof HTMLElement) await player.press("Start anyway", anyway); // an identical build is running
  cast[part] = (await player.until("the build", () => builds().find(isNew))).slug;
}

/** Push a commit to main that starts the tests. @param {Player} player @param {string} message @param {string} part */
async function push(player, message, part) {
  await player.gate();
  const app = section("bitrise").apps.find((each) => each.title === "iOS Shop").slug;
  const answer = await act("bitrise/start", { cause: "push", app, workflow: "test", branch: "main", commit_message: message });
  cast[part] = answer.build;
  side("bitrise");
  tab("builds");
  await act("bitrise/run", { build: answer.build });
  point(await player.until("the build", () => find(`[data-build="${answer.build}"]`)));
  await player.rest(1800);
  unpoint();
}

/** Press a button of a build at Bitrise. @param {Player} player @param {string} part @param {string} label */
async function onBuild(player, part, label) {
  side("bitrise");
  tab("builds");
  await player.press(label, () => buttonOf(find(`[data-build="${cast[part]}"]`), label));
  await player.rest(500);
}

/** @param {Player} player @param {string} id */
async function fault(player, id) {
  side("bitrise");
  tab("trouble");
  await player.rest(700);
  await player.press("the button", () => find(`[data-trouble="${id}"]`));
}

/** Choose a reason and enter a note. @param {Player} player */
async function fillStopForm(player) {
  const reason = await player.until("the form", () => find("dialog .combobox-input"));
  reason.focus();
  await player.press("the reasons", () => find("dialog .combobox-input"));
  await player.press("the reason", () => [...document.querySelectorAll("dialog [role=option]")].find((each) => each.textContent.startsWith("Wrong branch")));
  const note = await player.until("the note", () => find("dialog textarea, dialog input[type=text]:not(.combobox-input)"));
  note.value = "should have been release/3.2";
  note.dispatchEvent(new Event("input", { bubbles: true }));
  await player.rest(1200);
  await player.press("Stop build", () => find("dialog [type=submit]"));
}

/** @param {"slack" | "bitrise"} name the side that a narrow window shows */
const side = (name) => find(`[data-focus="side-${name}"]`).click();
/** @param {string} name */
const tab = (name) => find(`[data-focus="right-${name}"]`).click();

// Checks.

const find = (selector) => document.querySelector(selector);
const builds = () => section("bitrise")?.builds ?? [];
const messages = () => section(`messages/${(section("world")?.channels ?? []).find((each) => each.name === "ios")?.id}`) ?? [];
const build = (part) => builds().find((each) => each.slug === cast[part]);
/** @param {Element | null | undefined} around @param {string} label */
const buttonOf = (around, label) => [...(around?.querySelectorAll("button") ?? [])].find((each) => `${each.getAttribute("aria-label") ?? ""} ${each.textContent}`.includes(label));

/** The newest message outside threads that names the build. @param {string} part @param {string} [word] */
function messageOf(part, word = "") {
  const { number } = build(part) ?? {};
  const names = (each) => JSON.stringify(each.blocks ?? []).includes(`#${number}`) || each.text.includes(`#${number}`);
  return messages().findLast((each) => !each.is_private && (!each.thread_ts || each.thread_ts === each.ts) && each.text.includes(word) && names(each));
}

const noticeOf = messageOf;
const cardNode = (part) => find(`#conversation article[data-ts="${messageOf(part)?.ts}"]`);
/** @param {Player} player @param {string} part @param {string} word */
const cardHolds = (player, part, word) => player.until(`${word} on the card`, () => JSON.stringify(messageOf(part)?.blocks ?? "").includes(word));

/** Wait until the build has finished and the bot has polled Bitrise since. @param {Player} player @param {string} part */
async function synced(player, part) {
  const finishedAt = await player.until("the result", () => build(part)?.finished_at);
  side("slack");
  await player.until("a poll of the bot", () => wire().some((each) => each.name === "builds.list-all" && each.at > finishedAt));
}
