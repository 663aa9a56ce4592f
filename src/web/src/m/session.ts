import { useSyncExternalStore } from "react";
import { outbox } from "./outbox";

/** Who works with this device, and where. */
export interface Session {
  worker: string;
  site: string;
}

const NAME = "stowline.handheld";
const listeners = new Set<() => void>();
const read = () => JSON.parse(localStorage.getItem(NAME) ?? "null") as Session | null;
let session = read();

/** Kept until somebody signs out: a shift begins with the badge, not with every reload. */
export const sessionStore = {
  set(next: Session | null) {
    session = next;
    if (next) localStorage.setItem(NAME, JSON.stringify(next));
    else localStorage.removeItem(NAME);
    listeners.forEach((l) => l());
  },
};

outbox.onWorker = (badge, owner) => {
  if (session?.worker === badge) sessionStore.set({ ...session, worker: owner });
};

export const useSession = () => useSyncExternalStore((l) => {
  listeners.add(l);
  return () => void listeners.delete(l);
}, () => session);

/** The part of the address behind #: what is open stays open when the page is loaded again. */
export const useHash = () => useSyncExternalStore((l) => {
  window.addEventListener("hashchange", l);
  return () => window.removeEventListener("hashchange", l);
}, () => window.location.hash.slice(1));
