import { openDB, type DBSchema } from "idb";
import type { Problem } from "../api/problem";

/** What the sentence about an action may name; each kind of action has those that its sentence needs. */
export interface Values {
  task?: number;
  item?: string;
  sku?: string;
  bin?: string;
  quantity?: number;
  reason?: string;
  reference?: string;
}

/** Something a person did that the node does not know yet. */
export interface Action {
  /** The place in the queue, given by the database. */
  id: number;
  /** Idempotency-Key: sending twice does it once. */
  key: string;
  path: string;
  body?: unknown;
  /** What it belongs to, `task/{id}`, `stock-task/{id}`, `receipt/{key}`, `move/{key}` or `count/{site}/{row}`: after a refusal the later ones of the same wait. */
  about: string;
  /** What was done, and to what: a text's name and its values. */
  what: "assign" | "start" | "pick" | "skip" | "complete" | "receive" | "move" | "count" | "takeCount" | "endCount" | "takeRemoval" | "remove" | "endRemoval";
  values: Values;
  actor: string;
  at: string;
  refused?: Problem;
}

interface Shape extends DBSchema {
  actions: { key: number; value: Action };
  kept: { key: string; value: { value: unknown; at: string } };
}

const database = openDB<Shape>("stowline-handheld", 1, {
  upgrade(db) {
    db.createObjectStore("actions", { keyPath: "id", autoIncrement: true });
    db.createObjectStore("kept");
  },
});

/** What the device keeps: actions to be sent, and answers to be read without network. */
export const store = {
  actions: async () => (await database).getAll("actions"),
  /** Written before anybody is told that it is done: what the screen shows survives a dead battery. */
  async add(actions: Omit<Action, "id">[]) {
    const tx = (await database).transaction("actions", "readwrite", { durability: "strict" });
    for (const action of actions) await tx.store.add(action as Action);
    await tx.done;
  },
  put: async (action: Action) => void (await (await database).put("actions", action)),
  /** The action has been sent; what it made is kept in the same transaction, so nothing is seen twice or not at all. */
  async done(id: number, key?: string, change?: (old: unknown) => unknown) {
    const tx = (await database).transaction(["actions", "kept"], "readwrite");
    await tx.objectStore("actions").delete(id);
    if (key !== undefined && change) {
      const kept = tx.objectStore("kept");
      const old = await kept.get(key);
      if (old) await kept.put({ ...old, value: change(old.value) }, key);
    }
    await tx.done;
  },
  async drop(ids: number[]) {
    const tx = (await database).transaction("actions", "readwrite");
    for (const id of ids) await tx.store.delete(id);
    await tx.done;
  },
  keep: async (key: string, value: unknown) => void (await (await database).put("kept", { value, at: new Date().toISOString() }, key)),
  kept: async <T>(key: string) => (await (await database).get("kept", key)) as { value: T; at: string } | undefined,
};
