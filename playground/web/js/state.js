/** The state of this window: the server's sections, the person, the open channel. */

/** @type {Record<string, any>} */
const sections = {};
/** @type {Map<string, Set<() => void>>} */
const listeners = new Map();
/** @type {any[]} */
const exchanges = [];
const EXCHANGES_KEPT = 500;
let clockOffset = 0;

/** @param {string} name @returns {any} */
export const section = (name) => sections[name];

/** Recent exchanges of both servers, oldest first. */
export const wire = () => exchanges;

/** The practice time in milliseconds. */
export const now = () => Date.now() + clockOffset;

/**
 * Call `listener` after any of these changed. A name may be a prefix that ends in a slash.
 * @param {string[]} names @param {() => void} listener
 */
export function watch(names, listener) {
  for (const name of names) {
    if (!listeners.has(name)) listeners.set(name, new Set());
    listeners.get(name).add(listener);
  }
}

/** @param {string[]} names */
export function changed(names) {
  const due = new Set();
  for (const [watched, those] of listeners) {
    if (names.some((name) => name === watched || (watched.endsWith("/") && name.startsWith(watched)))) {
      those.forEach((listener) => due.add(listener));
    }
  }
  due.forEach((listener) => listener());
}

/** Apply an update of the server. @param {{now: number, sections: Record<string, any>, wire: any[]}} news */
export function learn(news) {
  clockOffset = news.now - Date.now();
  for (const [name, value] of Object.entries(news.sections)) {
    if (value === null && name.startsWith("messages/")) delete sections[name];
    else sections[name] = value;
  }
  if (news.wire.length) {
    const last = exchanges.at(-1)?.number ?? 0;
    exchanges.push(...news.wire.filter((each) => each.number > last));
    exchanges.splice(0, Math.max(0, exchanges.length - EXCHANGES_KEPT));
  }
  changed([...Object.keys(news.sections), ...(news.wire.length ? ["wire"] : [])]);
}

/** Clear the state of the previous person. */
export function forget() {
  for (const name of Object.keys(sections)) delete sections[name];
}

// The person and channel, kept in the URL for reloads and second windows.

export const here = { person: "", channel: "", tab: "home", thread: "" };

export function readAddress() {
  const [person, channel, tab] = decodeURIComponent(location.hash.slice(1)).split("/");
  here.person = person || "";
  here.channel = channel || "";
  here.tab = tab || "home";
}

/** @param {Partial<typeof here>} place */
export function go(place) {
  Object.assign(here, place);
  const parts = [here.person, here.channel, here.tab].map(encodeURIComponent);
  history.replaceState(null, "", `#${parts.join("/")}`);
  changed(["here"]);
}

// Lookups.

/** @returns {any} the channel that is open */
export function openChannel() {
  const channels = sections.world?.channels ?? [];
  const byName = (name) => channels.find((channel) => channel.id === name || (!channel.is_direct && channel.name === name));
  return byName(here.channel) ?? byName("ios") ?? channels[0];
}

/** @param {string} id */
export const person = (id) => (sections.world?.people ?? []).find((each) => each.id === id);
/** @param {string} id */
export const channel = (id) => (sections.world?.channels ?? []).find((each) => each.id === id);
export const me = () => person(sections.world?.me);
