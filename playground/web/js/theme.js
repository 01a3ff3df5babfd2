/** The color scheme: light, dark, or the system's; stored for the next visit. */

const KEPT = "buildbell-theme";
const ORDER = ["system", "light", "dark"];
const NAMES = { system: "◐ System", light: "☀ Light", dark: "☾ Dark" };

const current = () => localStorage.getItem(KEPT) ?? "system";

export function applyTheme() {
  document.documentElement.dataset.theme = current();
}

export function nextTheme() {
  localStorage.setItem(KEPT, ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length]);
  applyTheme();
}

export const themeName = () => NAMES[current()] ?? NAMES.system;
