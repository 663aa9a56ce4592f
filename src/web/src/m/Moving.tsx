import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { ProblemError } from "../api/problem";
import type { Scan } from "../gs1/gs1";
import { newKey, outbox } from "./outbox";
import { findProduct, readKept } from "./reads";
import { feedback, ScanField } from "./scan";
import type { Session } from "./session";
import { StockTasks } from "./StockTasks";

const WAYS = ["putaway", "move", "count"] as const;
type Way = (typeof WAYS)[number];
type Row = Schemas["StockView"];

const RECEIVING = "RECEIVING";
const rowKey = (row: Row) => `${row.sku} ${row.lot ?? ""}`;

/** What lies in a bin, or what was kept of it; null for a bin that does not exist, undefined where nobody can tell. */
async function rowsOf(site: string, bin: string): Promise<Row[] | null | undefined> {
  const path = { code: site, bin };
  try {
    return (await readKept(`bin/${site}/${bin}`, async () => {
      await body(api.GET("/api/v1/sites/{code}/bins/{bin}", { params: { path } }));
      return (await body(api.GET("/api/v1/sites/{code}/stock", { params: { path: { code: site }, query: { bin, limit: 200 } } }))).items;
    }))?.value;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status < 500) return null;
    throw error;
  }
}

/** Putting away, moving and counting: first the bin, then the goods, then where to or how many. */
export function Moving({ session }: { session: Session }) {
  const { t } = useTranslation();
  const [way, setWay] = useState<Way>("putaway");
  const [task, setTask] = useState<Schemas["StockTask"] | null>(null);
  return (
    <>
      <h2>{t("m.tab.stock")}</h2>
      <div className="m-row" role="group" aria-label={t("m.tab.stock")}>
        {WAYS.map((w) => <button key={w} type="button" className={w === way ? "m-primary" : ""} aria-pressed={w === way} onClick={() => { setWay(w); setTask(null); }}>{t(`work.${w}`)}</button>)}
      </div>
      {way === "count" && <StockTasks session={session} open={task} onOpen={setTask} />}
      {task === null && <InBin key={way} way={way} session={session} />}
    </>
  );
}

function InBin({ way, session }: { way: Way; session: Session }) {
  const { t } = useTranslation();
  const [bin, setBin] = useState<string | null>(way === "putaway" ? RECEIVING : null);
  const [rows, setRows] = useState<Row[] | null | undefined>();
  const [row, setRow] = useState<Row | null>(null);
  const [told, setTold] = useState<{ right: boolean; text: string }>();
  const { site } = session;

  async function open(code: string) {
    const found = await rowsOf(site, code).catch(() => undefined);
    if (found === null) return say(false, t("work.noBin", { bin: code }));
    setBin(code);
    setRows(found);
    if (found === undefined) say(false, t("work.unknownBin", { bin: code }));
    else feedback(true);
  }
  useEffect(() => {
    let gone = false;
    if (way === "putaway") void rowsOf(site, RECEIVING).then((found) => !gone && setRows(found ?? []), () => undefined);
    return () => void (gone = true);
  }, [site, way]);

  const say = (right: boolean, text: string) => {
    feedback(right);
    setTold({ right, text });
  };

  async function scanned(scan: Scan) {
    setTold(undefined);
    if (bin === null) return open(scan.text);
    const product = await findProduct(scan).catch(() => undefined);
    const fit = rows?.filter((r) => r.sku === (product?.sku ?? scan.text) && (scan.lot === undefined || r.lot === scan.lot)) ?? [];
    if (fit.length === 0) return say(false, t("work.notHere", { text: scan.text, bin }));
    feedback(true);
    setRow(fit[0]!);
  }

  function finish(text: string, left: Row[]) {
    say(true, text);
    setRows(left);
    setRow(null);
  }

  const done = (change: Row, units: number) => rows?.flatMap((r) => (rowKey(r) !== rowKey(change) ? [r] : units > 0 ? [{ ...r, on_hand: units, available: Math.max(0, r.available + units - r.on_hand) }] : [])) ?? [];
  return (
    <>
      {told && <p role={told.right ? "status" : "alert"} className={told.right ? "m-told" : "m-alert"}>{told.text}</p>}
      {row === null && <ScanField label={bin === null ? t("m.scanBin") : t("m.scanItem")} onScan={(scan) => void scanned(scan)} />}
      {bin !== null && (
        <div className="m-bin m-bin-done"><span>{t("m.bin")}</span><strong>{bin}</strong></div>
      )}
      {bin !== null && row === null && (
        <>
          {rows?.length === 0 && <p>{t("m.empty")}</p>}
          <ul className="m-list">{rows?.map((r) => (
            <li key={rowKey(r)}><button type="button" className="m-task" onClick={() => setRow(r)}><b>{r.sku}</b> <span>{way === "count" ? "" : `× ${r.available}`}</span><span>{r.lot ?? ""}</span></button></li>
          ))}</ul>
          {way !== "putaway" && <button type="button" onClick={() => { setBin(null); setRows(undefined); }}>{t("work.otherBin")}</button>}
        </>
      )}
      {bin !== null && row && (way === "count"
        ? <Counting key={rowKey(row)} session={session} row={row} onBack={() => setRow(null)} onDone={(counted) => finish(t("work.counted", { sku: row.sku, count: counted }), done(row, counted))} />
        : <Taking key={rowKey(row)} way={way} session={session} row={row} onBack={() => setRow(null)} onDone={(quantity, to) => finish(t("work.moved", { sku: row.sku, count: quantity, bin: to }), done(row, row.on_hand - quantity))} />)}
    </>
  );
}

interface StepProps {
  session: Session;
  row: Row;
  onBack: () => void;
}

/** How many, and where to: the scan of the other bin ends it. */
function Taking({ way, session, row, onBack, onDone }: StepProps & { way: "putaway" | "move"; onDone: (quantity: number, to: string) => void }) {
  const { t } = useTranslation();
  const [quantity, setQuantity] = useState(row.available);
  const { sku, bin: from, lot } = row;
  function put(to: string) {
    if (to === from || quantity < 1 || quantity > row.available) return feedback(false);
    void outbox.add({
      what: "move", about: `move/${newKey()}`, actor: session.worker, path: `/api/v1/sites/${encodeURIComponent(session.site)}/moves`, values: { sku, quantity, bin: to },
      body: { sku, quantity, from_bin: from, to_bin: to, ...(lot && { lot }), reason: way === "putaway" ? "put away" : "moved on the floor" },
    });
    onDone(quantity, to);
  }
  return (
    <div className="m-form">
      <p className="m-goods"><b>{sku}</b><span>{lot}</span></p>
      <label>{t("order.quantity")}<input type="number" inputMode="numeric" min={1} max={row.available} value={quantity} onChange={(e) => setQuantity(Number(e.target.value))} /></label>
      <ScanField label={t("work.scanTarget")} onScan={(scan) => put(scan.text)} />
      <button type="button" onClick={onBack}>{t("work.otherGoods")}</button>
    </div>
  );
}

/** A count is blind: what the books say is sent along, not shown, so that nobody counts what they expect. */
function Counting({ session, row, onBack, onDone }: StepProps & { onDone: (counted: number) => void }) {
  const { t } = useTranslation();
  const [counted, setCounted] = useState("");
  function enter(e: FormEvent) {
    e.preventDefault();
    const units = Number(counted);
    void outbox.add({
      what: "count", about: `count/${session.site}/${row.bin}/${rowKey(row)}`, actor: session.worker, path: `/api/v1/sites/${encodeURIComponent(session.site)}/adjustments`,
      values: { sku: row.sku, quantity: units, bin: row.bin },
      body: { sku: row.sku, bin: row.bin, ...(row.lot && { lot: row.lot }), expected: row.on_hand, counted: units, reason: "counted on the floor" },
    });
    onDone(units);
  }
  return (
    <form className="m-form" onSubmit={enter}>
      <p className="m-goods"><b>{row.sku}</b><span>{row.lot}</span></p>
      <label>{t("work.howMany")}<input required autoFocus type="number" inputMode="numeric" min={0} max={1_000_000} value={counted} onChange={(e) => setCounted(e.target.value)} /></label>
      <div className="m-row"><button type="button" onClick={onBack}>{t("work.otherGoods")}</button><button type="submit" className="m-primary">{t("work.enterCount")}</button></div>
    </form>
  );
}
