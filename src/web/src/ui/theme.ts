import { useSyncExternalStore } from "react";

type Theme = "light" | "dark";
const NAME = "stowline.theme";

const device = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
const chosen = (): Theme | null => {
  const kept = localStorage.getItem(NAME);
  return kept === "light" || kept === "dark" ? kept : null;
};
const current = (): Theme => chosen() ?? (device.matches ? "dark" : "light");

/** All colors of style.css follow the page's color scheme, which goes by this attribute. */
function apply() {
  const theme = chosen();
  if (theme) document.documentElement.dataset["theme"] = theme;
  else delete document.documentElement.dataset["theme"];
  listeners.forEach((l) => l());
}

apply();
device.addEventListener("change", apply);

/** The colors of this device: the system's, unless somebody chose on this device. */
export const useTheme = () => useSyncExternalStore((listener) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}, current);

/** Choosing what the system says anyway means to follow the system again. */
export function chooseTheme(theme: Theme) {
  if (theme === (device.matches ? "dark" : "light")) localStorage.removeItem(NAME);
  else localStorage.setItem(NAME, theme);
  apply();
}
