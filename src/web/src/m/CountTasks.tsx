import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { outbox, useOutbox } from "./outbox";
import { readKept, useProduct } from "./reads";
import { feedback, ScanField } from "./scan";
import type { Session } from "./session";

type Task = Schemas["StockTask"];
type Line = Schemas["StockTaskLine"];

const AGAIN_MS = 15_000;
const aboutCount = (id: string) => `stock-task/${id}`;

async function askTasks(site: string): Promise<Task[]> {
  const pages = await Promise.all((["in_progress", "assigned", "pending"] as const).map((status) => body(api.GET("/api/v1/stock-tasks", { params: { query: { site, status, limit: 100 } } }))));
  return pages.flatMap((p) => p.items).filter((task) => task.kind === "count");
}

/** The site's open count tasks; asked for again when everything that was done has been sent. */
function useCountTasks(site: string, unsent: number): Task[] {
  const [tasks, setTasks] = useState<Task[]>([]);
  useEffect(() => {
    let gone = false;
    const refresh = () => void readKept(`stock-tasks/${site}`, () => askTasks(site)).then((kept) => !gone && setTasks(kept?.value ?? []), () => undefined);
    if (unsent === 0) refresh();
    const timer = setInterval(refresh, AGAIN_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [site, unsent]);
  return tasks;
}

function act(task: Task, session: Session) {
  const path = `/api/v1/stock-tasks/${task.id}`;
  const common = { about: aboutCount(task.id), actor: session.worker, values: { task: task.number } };
  return {
    assign: { ...common, what: "takeCount" as const, path: `${path}/assign`, body: { worker: session.worker } },
    start: { ...common, what: "takeCount" as const, path: `${path}/start` },
    complete: { ...common, what: "endCount" as const, path: `${path}/complete` },
    count: (line: Line, counted: number, expected: number | undefined) => ({
      ...common, what: "count" as const, path: `${path}/count`, values: { sku: line.sku, bin: line.bin, quantity: counted },
      body: { sku: line.sku, bin: line.bin, ...(line.lot && { lot: line.lot }), counted, ...(expected !== undefined && { expected }) },
    }),
  };
}

/** Count tasks that are this person's or nobody's; with one taken, nothing but its lines, along the walk. */
export function CountTasks({ session, open, onOpen }: { session: Session; open: Task | null; onOpen: (task: Task | null) => void }) {
  const { t } = useTranslation();
  const { actions } = useOutbox();
  const tasks = useCountTasks(session.site, actions.length);
  if (open) return <OneTask key={open.id} task={open} session={session} onDone={() => onOpen(null)} />;
  const ended = actions.filter((a) => a.what === "endCount").map((a) => a.about);
  const own = tasks.filter((task) => (task.worker === null || task.worker === session.worker) && !ended.includes(aboutCount(task.id)));
  if (own.length === 0) return null;
  function take(task: Task) {
    const acts = act(task, session);
    const first = task.status === "pending" ? [acts.assign, acts.start] : task.status === "assigned" ? [acts.start] : [];
    if (first.length > 0) void outbox.add(...first);
    onOpen(task);
  }
  return (
    <ul className="m-list">{own.map((task) => (
      <li key={task.id}>
        <button type="button" className="m-card m-task" onClick={() => take(task)}>
          <b>{t("work.countTask", { number: task.number })}</b> <span>{t(`work.cause.${task.cause}`)}</span>
          <span>{t("m.lines", { count: task.total_lines })} · {task.status === "in_progress" ? t("m.goOn") : task.worker ? t("m.yours") : t("m.free")} · {task.lines.find((l) => l.status === "open")?.bin}</span>
        </button>
      </li>
    ))}</ul>
  );
}

function OneTask({ task, session, onDone }: { task: Task; session: Session; onDone: () => void }) {
  const { t } = useTranslation();
  const { actions } = useOutbox();
  const [done, setDone] = useState<string[]>([]);
  const acts = act(task, session);
  const line = task.lines.find((l) => l.status === "open" && !done.includes(l.id));
  const refused = actions.some((a) => a.about === aboutCount(task.id) && a.refused);
  async function enter(at: Line, counted: number) {
    await outbox.add(acts.count(at, counted, await expectedOf(session.site, at)));
    feedback(true);
    setDone((before) => [...before, at.id]);
  }
  function complete() {
    void outbox.add(acts.complete);
    onDone();
  }
  const finished = task.lines.filter((l) => l.status !== "open").length + done.length;
  return (
    <>
      <p className="m-where"><button type="button" className="m-plain" onClick={onDone}>{t("work.otherTasks")}</button> {t("work.countTask", { number: task.number })} · {t("m.progress", { done: finished, all: task.total_lines })}</p>
      {refused && <p className="m-alert" role="alert"><a href="#outbox">{t("m.refusedHere")}</a></p>}
      {line ? <OneLine key={line.id} line={line} onCount={(n) => void enter(line, n)} /> : (
        <section className="m-done">
          <h2>{t("work.allCounted")}</h2>
          <button type="button" className="m-primary" onClick={complete}>{t("work.endCount")}</button>
        </section>
      )}
    </>
  );
}

/**
 * A count is blind: what the books say is sent along where this device knows it, so that a count which is sent late overwrites nothing; it is not shown.
 */
async function expectedOf(site: string, line: Line): Promise<number | undefined> {
  const kept = await readKept(`bin/${site}/${line.bin}`, async () =>
    (await body(api.GET("/api/v1/sites/{code}/stock", { params: { path: { code: site }, query: { bin: line.bin, limit: 200 } } }))).items).catch(() => undefined);
  return kept && (kept.value.find((r) => r.sku === line.sku && r.lot === line.lot)?.on_hand ?? 0);
}

function OneLine({ line, onCount }: { line: Line; onCount: (counted: number) => void }) {
  const { t } = useTranslation();
  const product = useProduct(line.sku);
  const [atBin, setAtBin] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const [counted, setCounted] = useState("");
  function scanned(text: string) {
    const right = text === line.bin;
    feedback(right);
    setAtBin(right);
    setWrong(right ? undefined : t("m.wrongBin", { text, bin: line.bin }));
  }
  function enter(e: FormEvent) {
    e.preventDefault();
    onCount(Number(counted));
  }
  return (
    <section className="m-item" aria-live="polite">
      <div className={atBin ? "m-bin m-bin-done" : "m-bin"}><span>{t("m.bin")}</span><strong>{line.bin}</strong></div>
      <div className="m-goods"><b>{product?.name ?? line.sku}</b><span>{line.sku}{line.lot && <> · {t("m.lot")} {line.lot}</>}</span></div>
      {wrong && <p className="m-alert" role="alert">{wrong}</p>}
      {!atBin ? <ScanField label={t("m.scanBin")} onScan={(scan) => scanned(scan.text)} /> : (
        <form className="m-form" onSubmit={enter}>
          <label>{t("work.howMany")}<input required autoFocus type="number" inputMode="numeric" min={0} max={1_000_000} value={counted} onChange={(e) => setCounted(e.target.value)} /></label>
          <button type="submit" className="m-primary">{t("work.enterCount")}</button>
        </form>
      )}
    </section>
  );
}
