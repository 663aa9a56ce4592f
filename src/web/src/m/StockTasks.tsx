import { useEffect, useRef, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { outbox, useOutbox } from "./outbox";
import { readKept, useProduct } from "./reads";
import { feedback, ScanField } from "./scan";
import type { Session } from "./session";

type Task = Schemas["StockTask"];
type Line = Schemas["StockTaskLine"];

const AGAIN_MS = 15_000;
const aboutTask = (id: string) => `stock-task/${id}`;

async function askTasks(site: string): Promise<Task[]> {
  const pages = await Promise.all((["in_progress", "assigned", "pending"] as const).map((status) => body(api.GET("/api/v1/stock-tasks", { params: { query: { site, status, limit: 100 } } }))));
  return pages.flatMap((p) => p.items);
}

/** The site's open stock tasks; asked for again when everything that was done has been sent. */
function useStockTasks(site: string, unsent: number): Task[] {
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
  const common = { about: aboutTask(task.id), actor: session.worker, values: { task: task.number } };
  const [take, end] = task.kind === "count" ? ["takeCount", "endCount"] as const : ["takeRemoval", "endRemoval"] as const;
  const place = (line: Line) => ({ sku: line.sku, bin: line.bin, ...(line.lot && { lot: line.lot }) });
  return {
    assign: { ...common, what: take, path: `${path}/assign`, body: { worker: session.worker } },
    start: { ...common, what: take, path: `${path}/start` },
    complete: { ...common, what: end, path: `${path}/complete` },
    giveUp: (reason: string) => ({ ...common, what: end, path: `${path}/cancel`, body: { reason } }),
    count: (line: Line, counted: number, expected: number | undefined) => ({
      ...common, what: "count" as const, path: `${path}/count`, values: { sku: line.sku, bin: line.bin, quantity: counted },
      body: { ...place(line), counted, ...(expected !== undefined && { expected }) },
    }),
    remove: (line: Line, quantity: number) => ({
      ...common, what: "remove" as const, path: `${path}/remove`, values: { sku: line.sku, bin: line.bin, quantity }, body: { ...place(line), quantity },
    }),
  };
}

/** Counts and removals that are this person's or nobody's; with one taken, nothing but its lines, along the walk. */
export function StockTasks({ session, open, onOpen }: { session: Session; open: Task | null; onOpen: (task: Task | null) => void }) {
  const { t } = useTranslation();
  const { actions } = useOutbox();
  const tasks = useStockTasks(session.site, actions.length);
  if (open) return <OneTask key={open.id} task={open} session={session} onDone={() => onOpen(null)} />;
  const ended = actions.filter((a) => a.what === "endCount" || a.what === "endRemoval").map((a) => a.about);
  const own = tasks.filter((task) => (task.worker === null || task.worker === session.worker) && !ended.includes(aboutTask(task.id)));
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
          <b>{t(`counts.kind.${task.kind}`, { number: task.number })}</b> <span>{t(`work.cause.${task.cause}`)}</span>
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
  const [absent, setAbsent] = useState<Line[]>([]);
  const entering = useRef(false);
  const acts = act(task, session);
  const line = task.lines.find((l) => l.status === "open" && !done.includes(l.id));
  const refused = actions.some((a) => a.about === aboutTask(task.id) && a.refused);
  async function enter(at: Line, units: number) {
    if (entering.current) return; // a second Enter, or the next scan, before this one is kept
    entering.current = true;
    try {
      await outbox.add(task.kind === "count" ? acts.count(at, units, await expectedOf(session.site, at)) : acts.remove(at, units));
      pass(at);
    } finally {
      entering.current = false;
    }
  }
  function pass(at: Line) {
    feedback(true);
    setDone((before) => [...before, at.id]);
  }
  function complete() {
    // What is not there cannot be taken away: the task is given up with what was not found, and what was taken away stays so.
    void outbox.add(absent.length === 0 ? acts.complete : acts.giveUp(t("work.absent", { list: absent.map((l) => `${l.sku} ${l.bin}`).join(", ").slice(0, 400) })));
    onDone();
  }
  const finished = task.lines.filter((l) => l.status !== "open").length + done.length;
  return (
    <>
      <p className="m-where"><button type="button" className="m-plain" onClick={onDone}>{t("work.otherTasks")}</button> {t(`counts.kind.${task.kind}`, { number: task.number })} · {t("m.progress", { done: finished, all: task.total_lines })}</p>
      {refused && <p className="m-alert" role="alert"><a href="#outbox">{t("m.refusedHere")}</a></p>}
      {line ? <OneLine key={line.id} line={line} kind={task.kind} onEnter={(n) => void enter(line, n)} onAbsent={() => { setAbsent((before) => [...before, line]); pass(line); }} /> : (
        <section className="m-done">
          <h2>{t(task.kind === "count" ? "work.allCounted" : "work.allRemoved")}</h2>
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

function OneLine({ line, kind, onEnter, onAbsent }: { line: Line; kind: Task["kind"]; onEnter: (units: number) => void; onAbsent: () => void }) {
  const { t } = useTranslation();
  const product = useProduct(line.sku);
  const [atBin, setAtBin] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const [units, setUnits] = useState("");
  const isCount = kind === "count";
  function scanned(text: string) {
    const right = text === line.bin;
    feedback(right);
    setAtBin(right);
    setWrong(right ? undefined : t("m.wrongBin", { text, bin: line.bin }));
  }
  function enter(e: FormEvent) {
    e.preventDefault();
    onEnter(Number(units));
  }
  return (
    <section className="m-item" aria-live="polite">
      <div className={atBin ? "m-bin m-bin-done" : "m-bin"}><span>{t("m.bin")}</span><strong>{line.bin}</strong></div>
      <div className="m-goods"><b>{product?.name ?? line.sku}</b><span>{line.sku}{line.lot && <> · {t("m.lot")} {line.lot}</>}</span></div>
      {wrong && <p className="m-alert" role="alert">{wrong}</p>}
      {!atBin ? <ScanField label={t("m.scanBin")} onScan={(scan) => scanned(scan.text)} /> : (
        <form className="m-form" onSubmit={enter}>
          <label>{t(isCount ? "work.howMany" : "work.howManyTaken")}<input required autoFocus type="number" inputMode="numeric" min={isCount ? 0 : 1} max={1_000_000} value={units} onChange={(e) => setUnits(e.target.value)} /></label>
          <button type="submit" className="m-primary">{t(isCount ? "work.enterCount" : "work.enterTaken")}</button>
          {!isCount && <button type="button" onClick={onAbsent}>{t("work.nothingThere")}</button>}
        </form>
      )}
    </section>
  );
}
