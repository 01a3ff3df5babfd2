/** Times in the reader's time zone. */
import { me, now } from "./state.js";

const DAY_MS = 86_400_000;

/** @param {number} millis @param {Intl.DateTimeFormatOptions} how */
function inZone(millis, how) {
  const timeZone = me()?.tz;
  return new Intl.DateTimeFormat("en-GB", { ...how, ...(timeZone ? { timeZone } : {}) }).format(millis);
}

/** `14:05` @param {number} millis */
export const clock = (millis) => inZone(millis, { hour: "2-digit", minute: "2-digit" });

/** `14:05:09` @param {number} millis */
export const clockWithSeconds = (millis) => inZone(millis, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** The day, for the divider between days. @param {number} millis */
export const day = (millis) => pretty(millis) ?? inZone(millis, { weekday: "long", day: "numeric", month: "long" });

/** @param {number} millis @returns {string | null} */
function pretty(millis) {
  const name = (at) => inZone(at, { year: "numeric", month: "2-digit", day: "2-digit" });
  const today = now();
  if (name(millis) === name(today)) return "Today";
  if (name(millis) === name(today - DAY_MS)) return "Yesterday";
  if (name(millis) === name(today + DAY_MS)) return "Tomorrow";
  return null;
}

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const PARTS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date_slash: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  day_divider_pretty: { weekday: "long", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
};

/** Slack's date format string, filled in. @param {number} seconds @param {string} format */
export function formatted(seconds, format) {
  const millis = seconds * 1000;
  return format.replace(/\{(\w+)\}/g, (whole, name) => {
    if (name === "ago") return ago(millis);
    const plain = name.replace(/_pretty$/, "");
    const how = PARTS[plain] ?? PARTS[name];
    if (!how) return whole;
    const near = name.endsWith("_pretty") ? pretty(millis) : null;
    return near ? near.toLowerCase() : inZone(millis, how);
  });
}

/** `3 min ago` @param {number} millis */
export function ago(millis) {
  return `${span((now() - millis) / 1000)} ago`;
}

/** `40 s`, `3 min 20 s`, `2 h 10 min` @param {number} seconds */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d`;
}
