import { useSyncExternalStore } from "react";
import { sendAction } from "../api/client";
import { problemOf, ProblemError } from "../api/problem";
import { store, type Action } from "./store";
import { tasksKey, type Task } from "./work";

const AGAIN_MS = 3_000;

/** Also where a page is not served over https, and `randomUUID` is missing. */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Lets one page of the device work at a time, where the browser has locks: it has none for pages without https. */
async function alone(work: () => Promise<void>) {
  if ("locks" in navigator) await navigator.locks.request("stowline-outbox", work);
  else await work();
}

export interface OutboxState {
  actions: readonly Action[];
  /** Whether the node answered when it was asked last. */
  reachable: boolean;
  /** Grows with everything that was done or sent: an answer that was asked for before is older than what is shown. */
  version: number;
}

/**
 * Sends what was done, in the order in which it was done, one at a time. Only a node's own refusal stops anything, and then only what belongs to the
 * same task: it stays, with the reason, until the person decides. Everything else is tried again for as long as it takes.
 */
class Outbox {
  private state: OutboxState = { actions: [], reachable: navigator.onLine, version: 0 };
  private readonly listeners = new Set<() => void>();
  private sending = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Told what the node answered to an action about a task. */
  onTask: ((task: Task) => void) | undefined;
  /** Told when the node knew a badge: from then on its owner is who works here. */
  onWorker: ((badge: string, owner: string) => void) | undefined;

  readonly get = () => this.state;
  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  async open() {
    window.addEventListener("online", () => void this.flush());
    window.addEventListener("offline", () => this.say({ reachable: false }));
    await this.read();
    await this.flush();
  }

  async add(...actions: Omit<Action, "id" | "key" | "at">[]) {
    await store.add(actions.map((a) => ({ ...a, key: newKey(), at: new Date().toISOString() })));
    await this.read();
    void this.flush();
  }

  /** A refusal is kept under its key by the node, so trying again is a new request. */
  async retry(action: Action) {
    const fresh: Action = { ...action, key: newKey() };
    delete fresh.refused;
    await store.put(fresh);
    await this.read();
    void this.flush();
  }

  /** Gives up a refused action, or with it all later ones of the same. */
  async drop(action: Action, withLater: boolean) {
    await store.drop(this.state.actions.filter((a) => a.id === action.id || (withLater && a.about === action.about && a.id > action.id)).map((a) => a.id));
    await this.read();
    void this.flush();
  }

  seen(reachable: boolean) {
    if (reachable !== this.state.reachable) this.say({ reachable });
    if (reachable) void this.flush();
  }

  /** One page sends at a time, however many are open. */
  private async flush() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    try {
      await alone(async () => {
        await this.read();
        for (let next = this.next(); next; next = this.next()) if (!(await this.send(next))) break;
      });
    } finally {
      this.sending = false;
    }
    if (this.next()) this.timer = setTimeout(() => void this.flush(), AGAIN_MS);
  }

  /** What is to be sent next: nothing when all has been sent, or waits for a person's decision. */
  next(): Action | undefined {
    const stopped = new Set<string>();
    for (const action of this.state.actions) {
      if (action.refused) stopped.add(action.about);
      else if (!stopped.has(action.about)) return action;
    }
    return undefined;
  }

  private async send(action: Action): Promise<boolean> {
    try {
      const answer = await sendAction(action.path, action.key, action.actor, action.body);
      const task = action.about.startsWith("task/") ? (answer as Task) : undefined;
      await store.done(action.id, task && tasksKey(task.site), task && ((old) => (old as Task[]).map((t) => (t.id === task.id ? task : t))));
      if (task) this.onTask?.(task);
      if (action.what === "assign" && task?.worker && task.worker !== action.actor) this.onWorker?.(action.actor, task.worker);
      this.say({ reachable: true });
      await this.read();
      return true;
    } catch (error) {
      const problem = problemOf(error);
      // Not the node's word on this action: no network, no key, too busy, or broken. It stays in its place.
      const undecided = !(error instanceof ProblemError) || problem.code === "" || problem.status >= 500 || problem.status === 429 || problem.status === 401;
      this.say({ reachable: error instanceof ProblemError });
      if (undecided) return false;
      await store.put({ ...action, refused: problem });
      await this.read();
      return true;
    }
  }

  private async read() {
    this.say({ actions: await store.actions(), version: this.state.version + 1 });
  }

  private say(change: Partial<OutboxState>) {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((l) => l());
  }
}

export const outbox = new Outbox();
export const useOutbox = () => useSyncExternalStore(outbox.subscribe, outbox.get);
