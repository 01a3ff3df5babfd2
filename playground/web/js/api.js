/** Talking to the playground's server: deeds go by POST, news come as server-sent events. */
import { forget, go, here, learn } from "./state.js";
import { toast } from "./toast.js";

/** @type {EventSource | null} */
let events = null;

/**
 * Do something. A deed that cannot be done is told in a toast and comes back with `ok: false`.
 * @param {string} deed like `slack/press`
 * @param {Record<string, any>} [facts]
 * @param {{isQuiet?: boolean}} [how] quiet deeds tell nobody that they failed
 * @returns {Promise<any>}
 */
export async function act(deed, facts = {}, { isQuiet = false } = {}) {
  try {
    const response = await fetch(`/api/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ person: here.person, ...facts }),
    });
    const told = await response.json();
    if (!response.ok) {
      if (!isQuiet) toast(told.error ?? `It answered ${response.status}.`, "bad");
      return { ...told, ok: false, isTold: true };
    }
    return told;
  } catch {
    toast("The playground does not answer. Is it still running?", "bad");
    return { ok: false, error: "unreachable", isTold: true };
  }
}

/** @param {number} number @returns {Promise<any>} one exchange, whole */
export async function exchange(number) {
  const response = await fetch(`/api/wire/${number}`);
  return response.json();
}

/** Listen as this person from now on. @param {string} person */
export function sitDown(person) {
  events?.close();
  forget();
  go({ person, thread: "" });
  events = new EventSource(`/api/events?person=${encodeURIComponent(person)}`);
  events.onmessage = (event) => {
    document.documentElement.dataset.link = "live";
    learn(JSON.parse(event.data));
  };
  events.onerror = () => {
    document.documentElement.dataset.link = "lost";
  };
}
