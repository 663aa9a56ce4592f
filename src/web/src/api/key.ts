import { useSyncExternalStore } from "react";
import type { Problem } from "./problem";

const NAME = "stowline.key";

export interface KeyState {
  key: string | null;
  /** The refusal that makes the page ask for a key; null while there is nothing to ask. */
  refused: Problem | null;
}

let state: KeyState = { key: sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME), refused: null };
const listeners = new Set<() => void>();

function set(next: KeyState) {
  state = next;
  listeners.forEach((l) => l());
}

/** The API key of this browser. A node without keys never asks, and then there is none. */
export const keyStore = {
  get: () => state,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  /** Kept until the tab is closed, or for good where the user says so. */
  save(key: string, remember: boolean) {
    this.forget();
    (remember ? localStorage : sessionStorage).setItem(NAME, key);
    set({ key, refused: null });
  },
  forget() {
    sessionStorage.removeItem(NAME);
    localStorage.removeItem(NAME);
    set({ key: null, refused: null });
  },
  /** The node answered 401: without a key, or to one that is not good any more. */
  refuse(problem: Problem) {
    set({ ...state, refused: problem });
  },
};

export const useKey = () => useSyncExternalStore((l) => keyStore.subscribe(l), keyStore.get);
