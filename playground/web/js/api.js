/** The client of the playground's server: actions by POST, updates as server-sent events. */
import { forget, go, here, learn } from "./state.js";
import { toast } from "./toast.js";

/** @type {EventSource | null} */
let events = null;

/**
 * Perform an action. A failure shows a toast and returns `ok: false`.
 * @param {string} action such as `slack/press`
 * @param {Record<string, any>} [facts]
 * @param {{isQuiet?: boolean}} [how] isQuiet: no toast on failure
 * @returns {Promise<any>}
 */
export async function act(action, facts = {}, { isQuiet = false } = {}) {
  try {
    const response = await fetch(`/api/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ person: here.person, ...facts }),
    });
    const result = await response.json();
    if (!response.ok) {
      if (!isQuiet) toast(result.error ?? `The playground responded with ${response.status}.`, "bad");
      return { ...result, ok: false, isTold: true };
    }
    return result;
  } catch {
    toast("The playground doesn't respond. Is it still running?", "bad");
    return { ok: false, error: "unreachable", isTold: true };
  }
}

/** @param {number} number @returns {Promise<any>} one exchange with its bodies */
export async function exchange(number) {
  const response = await fetch(`/api/wire/${number}`);
  return response.json();
}

/** Subscribe to the updates of this person. @param {string} person */
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
