import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input, Select } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { ProblemError } from "../api/problem";
import type { Scan } from "../gs1/gs1";
import { feedback, useScanner } from "../m/scan";
import { unitsOf } from "../m/work";
import { Label } from "../pack/Label";
import { PackageForm } from "../pack/PackageForm";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";

type Task = Schemas["PackingTask"];
const ASK_AGAIN_MS = 10_000;
/** What is made to order is handed over, not packed. */
const ships = (site: Schemas["SiteView"]) => site.type !== "kitchen" && site.type !== "workshop";
const missing = (error: unknown) => error instanceof ProblemError && error.problem.status === 404;

/** The packing task that a scan means: that of an order, by its number or id, else the task of that number. */
async function find(text: string, site: string): Promise<Task | null> {
  try {
    const order = await body(api.GET("/api/v1/orders/{id}", { params: { path: { id: text } } }));
    const { items } = await body(api.GET("/api/v1/packing-tasks", { params: { query: { site, order: order.id } } }));
    const open = items.find((x) => x.status !== "cancelled" && x.status !== "shipped") ?? items[0];
    if (open) return open;
  } catch (error) {
    if (!missing(error)) throw error;
  }
  return body(api.GET("/api/v1/packing-tasks/{key}", { params: { path: { key: text } } })).catch((error: unknown) => {
    if (missing(error)) return null;
    throw error;
  });
}

/** The packing station: scan an order, check what is in it, weigh, label, ship, next. */
export function Pack() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [site, setSite] = useState(() => localStorage.getItem("stowline.pack.site") ?? "");
  const [worker, setWorker] = useState(() => localStorage.getItem("stowline.pack.worker") ?? "");
  const sites = useQuery({ queryKey: ["sites"], queryFn: () => body(api.GET("/api/v1/sites", { params: { query: { limit: 200 } } })) });
  const packing = sites.data?.items.filter((s) => s.active && ships(s)) ?? [];
  const chosen = site || (packing[0]?.code ?? "");
  const search = useMutation({
    mutationFn: (text: string) => find(text, chosen),
    onSuccess: (task) => {
      feedback(task !== null);
      if (task) void navigate(`/pack?task=${task.id}`);
    },
  });
  const keep = (name: string, set: (value: string) => void) => (value: string) => {
    localStorage.setItem(`stowline.pack.${name}`, value);
    set(value);
  };
  const id = params.get("task");
  return (
    <>
      <h1>{t("pack.title")}</h1>
      <div className="filters pack-who">
        <label>{t("stock.site")}<Select<string> value={chosen} onChange={keep("site", setSite)} options={packing.map((s) => ({ value: s.code, label: `${s.code} · ${s.name}` }))} /></label>
        <label>{t("pack.worker")}<Input value={worker} maxLength={64} onChange={(e) => keep("worker", setWorker)(e.target.value)} /></label>
        {!id && <label className="pack-find">{t("pack.find")}<Input.Search autoFocus enterButton={t("search.go")} loading={search.isPending} onSearch={(text) => text.trim() && search.mutate(text.trim())} /></label>}
      </div>
      {search.error && <ProblemAlert error={search.error} />}
      {search.data === null && <p role="alert">{t("pack.notFound", { text: search.variables ?? "" })}</p>}
      {id ? <OneTask key={id} id={id} worker={worker} /> : chosen && <Waiting site={chosen} />}
    </>
  );
}

function Waiting({ site }: { site: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery({
    queryKey: ["packing", site],
    queryFn: async () => (await Promise.all((["in_progress", "packed", "pending"] as const).map((status) =>
      body(api.GET("/api/v1/packing-tasks", { params: { query: { site, status, limit: 50 } } }))))).flatMap((p) => p.items),
    refetchInterval: ASK_AGAIN_MS,
  });
  return (
    <Panel title={t("pack.waiting")} flush>
      {error ? <ProblemAlert error={error} onRetry={() => void refetch()} /> : data?.length === 0 ? <p className="panel-body">{t("pack.none")}</p> : (
        <table className="plain-table">
          <thead><tr><th scope="col">{t("order.number")}</th><th scope="col">{t("order.status")}</th><th scope="col" className="right">{t("pack.units")}</th><th scope="col" className="right">{t("pack.since")}</th></tr></thead>
          <tbody>
            {data?.map((x) => (
              <tr key={x.id}>
                <td><Link to={`/pack?task=${x.id}`} className="number">{x.order_number}</Link></td><td>{t(`pack.status.${x.status}`)}{x.on_hold && ` · ${t("order.onHold")}`}</td>
                <td className="right">{format.number(x.lines.reduce((sum, l) => sum + l.quantity, 0))}</td><td className="right">{format.when(x.created_at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function OneTask({ id, worker }: { id: string; worker: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const path = { params: { path: { key: id } } };
  const task = useQuery({ queryKey: ["packing-task", id], queryFn: () => body(api.GET("/api/v1/packing-tasks/{key}", path)) });
  const step = useMutation({
    mutationFn: (call: () => Promise<unknown>) => call(),
    onSettled: () => queries.invalidateQueries({ queryKey: ["packing-task", id] }),
  });
  const [checked, setChecked] = useState<Record<string, number>>(() => JSON.parse(sessionStorage.getItem(`stowline.pack.${id}`) ?? "{}") as Record<string, number>);
  function check(sku: string, units: number) {
    const next = { ...checked, [sku]: units };
    sessionStorage.setItem(`stowline.pack.${id}`, JSON.stringify(next));
    setChecked(next);
  }
  const data = task.data;
  if (task.error && !data) return <ProblemAlert error={task.error} onRetry={() => void task.refetch()} />;
  if (!data) return null;
  const all = unitsBySku(data).every(([sku, units]) => (checked[sku] ?? 0) >= units);
  const run = (call: () => Promise<unknown>) => step.mutate(call);
  return (
    <>
      <header className="order-head">
        <h2>{t("pack.task", { number: data.number })} · <Link className="pack-link" to={`/orders/${data.order_id}`}>{t("order.title", { number: data.order_number })}</Link></h2>
        <span className="tag tag-packing">{t(`pack.status.${data.status}`)}</span>
        <Link to="/pack">{t("pack.back")}</Link>
      </header>
      {step.error && <ProblemAlert error={step.error} />}
      {data.status === "pending" && <p><Button type="primary" size="large" disabled={worker.trim() === ""} loading={step.isPending} onClick={() => run(() => api.POST("/api/v1/packing-tasks/{key}/start", { ...path, body: { worker: worker.trim() } }))}>{t("pack.start")}</Button> {worker.trim() === "" && t("pack.whoFirst")}</p>}
      {data.status === "in_progress" && <Check task={data} checked={checked} onCheck={check} />}
      {(data.status === "in_progress" || data.packages.length > 0) && <Packages task={data} />}
      {data.status === "in_progress" && all && <PackageForm onAdd={(form) => run(() => api.POST("/api/v1/packing-tasks/{key}/packages", { ...path, body: form }))} busy={step.isPending}>
        {data.packages.length > 0 && <Button onClick={() => run(() => api.POST("/api/v1/packing-tasks/{key}/complete", path))}>{t("pack.complete")}</Button>}
      </PackageForm>}
      {(data.status === "packed" || data.status === "shipped") && <Label id={id} />}
      {data.status === "packed" && <ShipForm busy={step.isPending} onShip={(form) => run(() => api.POST("/api/v1/packing-tasks/{key}/ship", { ...path, body: form }))} />}
      {data.status === "shipped" && <p role="status">{t("pack.shipped", { carrier: data.carrier ?? "", tracking: data.tracking_number ?? "" })} <Link className="pack-link" to="/pack">{t("pack.next")}</Link></p>}
    </>
  );
}

function unitsBySku(task: Task): [string, number][] {
  const sums = new Map<string, number>();
  for (const line of task.lines) sums.set(line.sku, (sums.get(line.sku) ?? 0) + line.quantity);
  return [...sums];
}

/** Every unit is scanned, or a line is checked by eye. What does not belong into this parcel is said at once. */
function Check({ task, checked, onCheck }: { task: Task; checked: Record<string, number>; onCheck: (sku: string, units: number) => void }) {
  const { t } = useTranslation();
  const wanted = unitsBySku(task);
  const [wrong, setWrong] = useState<string>();
  const products = useQueries({
    queries: wanted.map(([sku]) => ({ queryKey: ["product", sku], staleTime: Infinity, queryFn: () => body(api.GET("/api/v1/products/{sku}", { params: { path: { sku } } })) })),
  });
  useScanner((scan: Scan) => {
    const hit = wanted.map(([sku, units], i) => ({ sku, units, scanned: unitsOf(scan, sku, products[i]?.data) })).find((x) => x.scanned > 0);
    const fault = !hit ? t("pack.wrong", { text: scan.text }) : (checked[hit.sku] ?? 0) + hit.scanned > hit.units ? t("pack.tooMany", { sku: hit.sku, count: hit.units }) : undefined;
    setWrong(fault);
    feedback(fault === undefined);
    if (hit && fault === undefined) onCheck(hit.sku, (checked[hit.sku] ?? 0) + hit.scanned);
  });
  return (
    <Panel title={t("pack.check")} extra={<span className="dim">{t("pack.checkHint")}</span>} flush>
      {wrong && <p className="pack-wrong" role="alert">{wrong}</p>}
      <table className="plain-table">
        <thead><tr><th scope="col">{t("order.sku")}</th><th scope="col" className="right">{t("pack.checked")}</th><th scope="col"><span className="sr-only">{t("pack.check")}</span></th></tr></thead>
        <tbody>
          {wanted.map(([sku, units], i) => (
            <tr key={sku} className={(checked[sku] ?? 0) >= units ? "chosen" : undefined}>
              <td>{sku} <span className="dim">{products[i]?.data?.name}</span></td>
              <td className="right"><b>{checked[sku] ?? 0} / {units}</b></td>
              <td className="right"><Button disabled={(checked[sku] ?? 0) >= units} onClick={() => onCheck(sku, units)}>{t("pack.byEye")}</Button></td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Packages({ task }: { task: Task }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (task.packages.length === 0) return null;
  return (
    <Panel title={t("pack.packages")} flush>
      <table className="plain-table">
        <thead><tr><th scope="col">{t("pack.package")}</th><th scope="col" className="right">{t("pack.weight")}</th><th scope="col" className="right">{t("pack.chargeable")}</th></tr></thead>
        <tbody>{task.packages.map((p) => <tr key={p.sequence_number}><td>{p.sequence_number} · {t(`pack.type.${p.packaging_type}`)} {p.length_mm} × {p.width_mm} × {p.height_mm}</td><td className="right">{format.number(p.weight_g)}</td><td className="right">{format.number(p.chargeable_weight_g)}</td></tr>)}</tbody>
      </table>
    </Panel>
  );
}

function ShipForm({ onShip, busy }: { onShip: (form: Schemas["ShipPackingBody"]) => void; busy: boolean }) {
  const { t } = useTranslation();
  const [carrier, setCarrier] = useState(() => localStorage.getItem("stowline.pack.carrier") ?? "");
  const [tracking, setTracking] = useState("");
  function enter(e: FormEvent) {
    e.preventDefault();
    localStorage.setItem("stowline.pack.carrier", carrier);
    onShip({ carrier: carrier.trim(), tracking_number: tracking.trim() || null });
  }
  return (
    <form className="filters pack-form" onSubmit={enter}>
      <label>{t("pack.carrier")}<Input required maxLength={64} value={carrier} onChange={(e) => setCarrier(e.target.value)} /></label>
      <label>{t("pack.tracking")}<Input maxLength={64} value={tracking} onChange={(e) => setTracking(e.target.value)} /></label>
      <Button type="primary" htmlType="submit" loading={busy}>{t("pack.ship")}</Button>
    </form>
  );
}
