import { useSyncExternalStore } from "react";

/** A list with its filters under a name, kept on this device. */
export interface SavedView {
  name: string;
  query: string;
}

const NAME = "stowline.views.orders";
const MOST = 20;
const listeners = new Set<() => void>();

function read(): SavedView[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(NAME) ?? "[]");
    return Array.isArray(kept) ? kept.filter((v): v is SavedView => typeof (v as SavedView)?.name === "string" && typeof (v as SavedView).query === "string") : [];
  } catch {
    return []; // somebody else's text under our name
  }
}

let views = read();

function set(next: SavedView[]) {
  views = next;
  localStorage.setItem(NAME, JSON.stringify(views));
  listeners.forEach((l) => l());
}

export const useViews = () => useSyncExternalStore((listener) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}, () => views);

/** The same name again replaces what it stood for. */
export const saveView = (view: SavedView) => set([...views.filter((v) => v.name !== view.name), view].slice(-MOST));
export const dropView = (name: string) => set(views.filter((v) => v.name !== name));
