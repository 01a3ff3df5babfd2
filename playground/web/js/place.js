/** The place of blocks, a message or a view, and actions in it. */
import { act } from "./api.js";
import { confirmed } from "./confirm.js";
import { section } from "./state.js";
import { toast } from "./toast.js";

/**
 * @typedef {object} Place
 * @property {{view?: string, channel?: string, ts?: string, link?: string}} address its address for the server
 * @property {Record<string, Record<string, any>>} values values by block_id and action_id
 * @property {Map<string, string>} typed typed but unsent values, by block_id
 * @property {Record<string, string>} errors errors of inputs, by block_id
 */

/** @param {Place} place */
const told = (place) => ({ ...place.address, ...(place.typed.size ? { values: Object.fromEntries(place.typed) } : {}) });

/**
 * Press a button or an overflow entry.
 * @param {Place} place @param {any} block @param {any} element @param {string} [value]
 */
export async function press(place, block, element, value) {
  if (element.confirm && !(await confirmed(element.confirm))) return;
  openLink(element.url);
  const facts = { action_id: element.action_id, block_id: block.block_id, value: value ?? element.value ?? null };
  complain(await act("slack/press", { ...told(place), ...facts }));
}

/**
 * Choose option values (or ids, dates, texts); null takes the choice back.
 * @param {Place} place @param {any} block @param {any} element @param {string | string[] | null} chosen
 * @returns {Promise<boolean>}
 */
export async function choose(place, block, element, chosen) {
  if (element.confirm && !(await confirmed(element.confirm))) return false;
  const facts = { action_id: element.action_id, block_id: block.block_id, chosen };
  const answer = await act("slack/select", { ...told(place), ...facts });
  complain(answer);
  return !answer.isTold;
}

const TYPING_MS = 500;
let typing = 0;

/** Send typed values in pauses, so that a reload loses nothing. @param {Place} place */
export function keepTyped(place) {
  clearTimeout(typing);
  if (place.address.view) typing = setTimeout(() => act("slack/fill", told(place), { isQuiet: true }), TYPING_MS);
}

/** Return the options of an external select. @param {Place} place @param {any} element @param {string} typed @returns {Promise<any[]>} */
export async function suggest(place, element, typed) {
  const answer = await act("slack/suggest", { ...told(place), action_id: element.action_id, typed });
  return answer.options ?? [];
}

/** The value an element holds. @param {Place} place @param {any} block @param {any} element */
export const held = (place, block, element) => place.values?.[block.block_id]?.[element.action_id] ?? {};

/** Show Slack's own words for an app that did not respond. @param {any} answer */
export function complain(answer) {
  if (answer.ok || answer.isTold || !answer.error) return;
  const name = section("world")?.app?.name ?? "The app";
  const why = answer.error === "operation_timeout" ? `${name} didn't respond in time` : `${name} couldn't be reached`;
  toast(`⚠ That didn't work: ${why} (${answer.error}).`, "bad");
}

/** @param {string | undefined} url */
export function openLink(url) {
  if (!url) return;
  if (isOfHere(url)) window.open(url, "_blank", "noopener");
  else toast(`Slack would open ${url}. The playground opens nothing outside this machine.`);
}

/** @param {string} url */
export function isOfHere(url) {
  try {
    return ["127.0.0.1", "localhost"].includes(new URL(url).hostname);
  } catch {
    return false;
  }
}
