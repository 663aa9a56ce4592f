import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Scan } from "../gs1/gs1";
import { outbox, useOutbox } from "./outbox";
import { useProduct, useTasks } from "./reads";
import { feedback, ScanField } from "./scan";
import type { Session } from "./session";
import { aboutTask, applied, isOpen, nextItem, unitsOf, type Item, type Task } from "./work";

/** The tasks that are this person's or nobody's, then one of them, bin by bin. */
export function Picking({ session, open }: { session: Session; open: string | undefined }) {
  const { t } = useTranslation();
  const { actions } = useOutbox();
  const known = useTasks(session.site);
  if (!known) return <p>{t("m.loading")}</p>;
  const tasks = known.map((task) => applied(task, actions)).filter(isOpen);
  const task = tasks.find((x) => x.id === open);
  if (task) return <OneTask key={task.id} task={task} session={session} />;
  const own = tasks.filter((x) => !x.on_hold && (x.worker === session.worker || x.worker === null)).sort(byUrgency);
  return (
    <>
      <h2>{t("m.tasks")}</h2>
      {open && <p role="status">{t("m.taskGone")}</p>}
      {own.length === 0 && <p>{t("m.noTasks")}</p>}
      <ul className="m-list">{own.map((x) => <li key={x.id}><TaskLink task={x} session={session} /></li>)}</ul>
    </>
  );
}

const urgency = { urgent: 0, high: 1, normal: 2, low: 3 };
/** What was begun comes first, then what is in a hurry. */
const byUrgency = (a: Task, b: Task) => Number(b.status === "in_progress") - Number(a.status === "in_progress") || urgency[a.priority] - urgency[b.priority] || a.number - b.number;

/** All actions on a task; what the node has to know, and what it is called in the list of what waits. */
function act(task: Task, session: Session) {
  const path = `/api/v1/picking-tasks/${task.id}`;
  const common = { about: aboutTask(task.id), actor: session.worker };
  const names = { task: task.order_number };
  return {
    assign: { ...common, what: "assign" as const, path: `${path}/assign`, body: { worker: session.worker }, values: names },
    start: { ...common, what: "start" as const, path: `${path}/start`, values: names },
    complete: { ...common, what: "complete" as const, path: `${path}/complete`, values: names },
    pick: (item: Item, quantity: number) => ({
      ...common, what: "pick" as const, path: `${path}/items/${item.id}/pick`, body: { quantity, bin: item.bin }, values: { ...names, item: item.id, quantity, sku: item.sku, bin: item.bin },
    }),
    skip: (item: Item, reason: string) => ({
      ...common, what: "skip" as const, path: `${path}/items/${item.id}/skip`, body: { reason }, values: { ...names, item: item.id, sku: item.sku, bin: item.bin, reason },
    }),
  };
}

function TaskLink({ task, session }: { task: Task; session: Session }) {
  const { t } = useTranslation();
  function take() {
    const acts = act(task, session);
    const first = task.status === "pending" ? [acts.assign, acts.start] : task.status === "assigned" ? [acts.start] : [];
    if (first.length > 0) void outbox.add(...first);
    window.location.hash = `pick/${task.id}`;
  }
  const bin = nextItem(task)?.bin;
  return (
    <button type="button" className="m-card m-task" onClick={take}>
      <b>{t("m.task", { number: task.order_number })}</b> {task.priority !== "normal" && <span className="m-mark">{t(`priority.${task.priority}`)}</span>}
      <span>{t("m.lines", { count: task.total_items })} · {task.status === "in_progress" ? t("m.goOn") : task.worker ? t("m.yours") : t("m.free")}{bin && <> · {bin}</>}</span>
    </button>
  );
}

function OneTask({ task, session }: { task: Task; session: Session }) {
  const { t } = useTranslation();
  const { actions } = useOutbox();
  const item = nextItem(task);
  const acts = act(task, session);
  const refused = actions.some((a) => a.about === aboutTask(task.id) && a.refused);
  const done = task.items.filter((i) => i.status !== "pending").length;
  function complete() {
    void outbox.add(acts.complete);
    window.location.hash = "pick";
  }
  return (
    <>
      <p className="m-where"><a href="#pick">{t("m.tasks")}</a> {t("m.task", { number: task.order_number })} · {t("m.progress", { done, all: task.items.length })}</p>
      {refused && <p className="m-alert" role="alert"><a href="#outbox">{t("m.refusedHere")}</a></p>}
      {item ? <OneItem key={item.id} item={item} onPick={(n) => void outbox.add(acts.pick(item, n))}
        onFewer={(n) => void outbox.add(...(n > 0 ? [acts.pick(item, n)] : []), acts.skip(item, t("m.reasonShort", { count: item.quantity_picked + n, all: item.quantity_required })))}
        onSkip={(reason) => void outbox.add(acts.skip(item, reason))} /> : (
        <section className="m-done">
          <h2>{t("m.allTaken")}</h2>
          <ul className="m-list">{task.items.map((i) => <li key={i.id} className="m-row"><b>{i.quantity_picked} / {i.quantity_required}</b> {i.sku}</li>)}</ul>
          <button type="button" className="m-primary" onClick={complete}>{t("m.complete")}</button>
        </section>
      )}
    </>
  );
}

interface ItemProps {
  item: Item;
  onPick: (quantity: number) => void;
  onFewer: (quantity: number) => void;
  onSkip: (reason: string) => void;
}

/** First the bin, then the goods: a scan of one confirms that the hand is in the right place. */
function OneItem({ item, onPick, onFewer, onSkip }: ItemProps) {
  const { t } = useTranslation();
  const product = useProduct(item.sku);
  const wanted = item.quantity_required - item.quantity_picked;
  const [atBin, setAtBin] = useState(false);
  const [count, setCount] = useState(0);
  const [wrong, setWrong] = useState<string>();
  const [skipping, setSkipping] = useState(false);

  function scanned(scan: Scan) {
    const fault = atBin ? takeGoods(scan) : scan.text === item.bin ? undefined : t("m.wrongBin", { text: scan.text, bin: item.bin });
    if (!atBin && fault === undefined) setAtBin(true);
    setWrong(fault);
    feedback(fault === undefined);
  }

  function takeGoods(scan: Scan): string | undefined {
    const units = unitsOf(scan, item.sku, product);
    if (units === 0) return t("m.wrongItem", { text: scan.text, sku: item.sku });
    if (item.lot && scan.lot && scan.lot !== item.lot) return t("m.wrongLot", { text: scan.lot, lot: item.lot });
    if (count + units > wanted) return t("m.tooMany", { count: wanted });
    if (count + units === wanted) onPick(wanted);
    else setCount(count + units);
    return undefined;
  }

  return (
    <section className="m-item" aria-live="polite">
      <div className={atBin ? "m-bin m-bin-done" : "m-bin"}><span>{t("m.bin")}</span><strong>{item.bin}</strong></div>
      <div className="m-goods">
        <b>{product?.name ?? item.sku}</b>
        <span>{item.sku}{item.lot && <> · {t("m.lot")} {item.lot}</>}</span>
        <strong className="m-count">{atBin ? `${count} / ${wanted}` : wanted}</strong>
      </div>
      {wrong && <p className="m-alert" role="alert">{wrong}</p>}
      <ScanField label={atBin ? t("m.scanItem") : t("m.scanBin")} onScan={scanned} />
      {atBin && (
        <>
          <div className="m-step">
            <button type="button" aria-label={t("m.less")} disabled={count === 0} onClick={() => setCount(count - 1)}>−</button>
            <button type="button" className="m-primary" disabled={count === 0} onClick={() => { feedback(true); onPick(wanted); }}>{t("m.takeAll", { count: wanted })}</button>
            <button type="button" aria-label={t("m.more")} disabled={count === 0 || count >= wanted - 1} onClick={() => setCount(count + 1)}>+</button>
          </div>
          <button type="button" onClick={() => onFewer(count)}>{t("m.fewer", { count })}</button>
        </>
      )}
      {skipping ? (
        <div className="m-reasons">{(["empty", "damaged", "blocked"] as const).map((r) => <button key={r} type="button" onClick={() => onSkip(t(`m.reason.${r}`))}>{t(`m.reason.${r}`)}</button>)}</div>
      ) : <button type="button" onClick={() => setSkipping(true)}>{t("m.skip")}</button>}
    </section>
  );
}
