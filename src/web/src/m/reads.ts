import { useEffect, useState } from "react";
import { api, body, type Schemas } from "../api/client";
import { ProblemError } from "../api/problem";
import type { Scan } from "../gs1/gs1";
import { outbox } from "./outbox";
import { store } from "./store";
import { isOpen, tasksKey, type Product, type Task } from "./work";

const AGAIN_MS = 15_000;

/** The node's answer, or without network the last one that is kept. `undefined` when there is neither. */
export async function readKept<T>(key: string, ask: () => Promise<T>): Promise<{ value: T; at: string } | undefined> {
  try {
    const value = await ask();
    outbox.seen(true);
    await store.keep(key, value);
    return { value, at: new Date().toISOString() };
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status < 500 && error.problem.status !== 401) throw error;
    if (!(error instanceof ProblemError)) outbox.seen(false);
    return store.kept<T>(key);
  }
}

async function askTasks(site: string): Promise<Task[]> {
  const pages = await Promise.all((["in_progress", "assigned", "pending"] as const).map((status) =>
    body(api.GET("/api/v1/picking-tasks", { params: { query: { site, status, limit: 100 } } }))));
  return pages.flatMap((p) => p.items);
}

/** The site's open tasks as the node knows them. What is being sent meanwhile is not overwritten by an answer that was asked for before. */
export function useTasks(site: string): Task[] | undefined {
  const [tasks, setTasks] = useState<Task[]>();
  useEffect(() => {
    let gone = false;
    async function refresh() {
      const { version } = outbox.get();
      if (outbox.next() && (await store.kept(tasksKey(site)))) return show();
      const answer = await askTasks(site).then((value) => ({ value }), () => undefined);
      outbox.seen(answer !== undefined);
      if (answer && outbox.get().version === version) {
        await store.keep(tasksKey(site), answer.value);
        await keepProducts(answer.value);
      }
      await show();
    }
    async function show() {
      const kept = await store.kept<Task[]>(tasksKey(site));
      if (!gone) setTasks(kept?.value.filter(isOpen));
    }
    outbox.onTask = (task) => setTasks((old) => old?.map((t) => (t.id === task.id ? task : t)).filter(isOpen));
    void refresh();
    const timer = setInterval(() => void refresh(), AGAIN_MS);
    const wake = () => void refresh();
    window.addEventListener("online", wake);
    return () => {
      gone = true;
      clearInterval(timer);
      window.removeEventListener("online", wake);
    };
  }, [site]);
  return tasks;
}

/** Names and barcodes of what is to be picked, so that scans are understood without network. */
async function keepProducts(tasks: readonly Task[]) {
  for (const sku of new Set(tasks.flatMap((t) => t.items.map((i) => i.sku)))) {
    if (await store.kept(`product/${sku}`)) continue;
    await readKept(`product/${sku}`, () => body(api.GET("/api/v1/products/{sku}", { params: { path: { sku } } }))).catch(() => undefined);
  }
}

export function useProduct(sku: string | undefined): Product | undefined {
  const [found, setFound] = useState<Product>();
  useEffect(() => {
    let gone = false;
    if (sku !== undefined) void store.kept<Product>(`product/${sku}`).then((p) => !gone && setFound(p?.value));
    return () => void (gone = true);
  }, [sku]);
  return found?.sku === sku ? found : undefined;
}

/** Which product a scan means: its SKU, or one of its barcodes, a GTIN in any of the lengths in which it may be registered. */
export async function findProduct(scan: Scan): Promise<Schemas["Product"] | undefined> {
  const answer = await readKept<Schemas["Product"] | null>(`scan/${scan.gtin ?? scan.text}`, async () => {
    const exact = await body(api.GET("/api/v1/products/{sku}", { params: { path: { sku: scan.text } } })).catch((error: unknown) => {
      if (error instanceof ProblemError && error.problem.status < 500 && error.problem.status !== 401) return null;
      throw error;
    });
    if (exact) return exact;
    const forms = scan.gtin ? [14, 13, 12, 8].filter((n) => /^0*$/.test(scan.gtin!.slice(0, 14 - n))).map((n) => scan.gtin!.slice(14 - n)) : [];
    for (const barcode of new Set([scan.text, ...forms])) {
      const page = await body(api.GET("/api/v1/products", { params: { query: { barcode, limit: 1 } } }));
      if (page.items[0]) return page.items[0];
    }
    return null;
  });
  return answer?.value ?? undefined;
}
