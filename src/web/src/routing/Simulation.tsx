import { Pagination, Segmented, Select, Skeleton } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { routeText, UNNAMED } from "./drafts";
import { ShareMap } from "./ShareMap";
import { useSimulation } from "./useSimulation";
import type { Schemas } from "../api/client";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";

const COUNTS = [50, 200, 1000];
const PAGE = 10;
type View = Schemas["SimulationView"];

/** What would have happened to the last orders under a set of rules, beside what did. */
export function Simulation({ rules }: { rules: Schemas["RuleBody"][] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [last, setLast] = useState(200);
  const { data, error, refetch, isBehind } = useSimulation(rules, last);
  const count = (
    <Select<number> size="small" aria-label={t("routing.last")} value={last} onChange={setLast} popupMatchSelectWidth={false}
      options={COUNTS.map((n) => ({ value: n, label: t("routing.lastOrders", { number: format.number(n) }) }))} />
  );
  return (
    <Panel title={t("routing.simulation")} extra={count} stale={isBehind && data !== undefined} flush>
      <div aria-busy={isBehind} data-testid="simulation" data-behind={isBehind}>
        {error ? <ProblemAlert error={error} onRetry={() => void refetch()} /> : !data ? <div className="panel-body"><Skeleton active title={false} /></div>
          : data.orders === 0 ? <p className="panel-body">{t("routing.noOrders")}</p> : <Told view={data} />}
      </div>
    </Panel>
  );
}

function Told({ view }: { view: View }) {
  const { t } = useTranslation();
  const format = useFormat();
  const out = view.left_out;
  const left = [["pickup", out.pickup], ["made", out.made], ["no_stock", out.no_stock], ["unknown", out.unknown]] as const;
  const told = left.filter(([, n]) => n > 0).map(([why, n]) => t(`routing.leftOut.${why}`, { number: format.number(n) }));
  return (
    <>
      <p className="simulation-head" role="status"><b data-testid="changed">{format.number(view.changed)}</b> {t("routing.changed", { orders: format.number(view.orders) })}{view.unsure > 0 && <span className="dim"> {t("routing.unsure", { number: format.number(view.unsure) })}</span>}</p>
      <div className="simulation-sites">
        <ShareMap sites={view.sites} orders={view.orders} />
        <Sites view={view} />
      </div>
      <Orders key={`${view.changed}/${view.orders}`} items={view.items} />
      <p className="rule-hint dim">{t("routing.assumed")}{told.length > 0 && ` ${t("routing.leftOutTitle")} ${told.join(", ")}.`}</p>
    </>
  );
}

/** Sums before and after, by site and for all. */
function Sites({ view }: { view: View }) {
  const { t } = useTranslation();
  const format = useFormat();
  const round = (value: number) => format.number(Math.round(value));
  const cost = (value: number | null) => (value === null ? null : format.number(Math.round(value * 100) / 100));
  const costs = view.before.cost !== null;
  const sum = (of: (s: View["sites"][number]) => number) => view.sites.reduce((total, s) => total + of(s), 0);
  return (
    <div className="scroll-x" tabIndex={0} role="group" aria-label={t("routing.bySite")}>
      <table className="plain-table compare" data-testid="by-site">
        <thead><tr><th scope="col">{t("decision.site")}</th><th scope="col" className="right">{t("routing.orders")}</th><th scope="col" className="right">{t("routing.units")}</th><th scope="col" className="right">{t("routing.km")}</th>{costs && <th scope="col" className="right">{t("routing.cost")}</th>}</tr></thead>
        <tbody>
          {view.sites.map((s) => (
            <tr key={s.site} data-testid={`share-${s.site}`}>
              <td>{s.site}</td>
              <Change before={format.number(s.before.orders)} after={format.number(s.after.orders)} />
              <Change before={format.number(s.before.units)} after={format.number(s.after.units)} />
              <Change before={round(s.before.distance_km)} after={round(s.after.distance_km)} />
              {costs && <Change before={cost(s.before.cost)} after={cost(s.after.cost)} />}
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t("routing.all")}</th>
            <td className="right dim">{t("routing.splits")}: <Two before={format.number(view.before.splits)} after={format.number(view.after.splits)} /><br />{t("routing.unserved")}: <Two before={format.number(view.before.unserved)} after={format.number(view.after.unserved)} /></td>
            <Change before={format.number(sum((s) => s.before.units))} after={format.number(sum((s) => s.after.units))} />
            <Change before={round(view.before.distance_km)} after={round(view.after.distance_km)} />
            {costs && <Change before={cost(view.before.cost)} after={cost(view.after.cost)} />}
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

const Two = ({ before, after }: { before: string | null; after: string | null }) => (before === after ? <>{after}</> : <><s>{before}</s> <b>{after}</b></>);

const Change = ({ before, after }: { before: string | null; after: string | null }) => <td className={before === after ? "right" : "right differs"}><Two before={before} after={after} /></td>;

/** Order by order, those that differ first or alone. */
function Orders({ items }: { items: View["items"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const differ = items.filter((i) => i.changed);
  const [all, setAll] = useState(differ.length === 0);
  const [page, setPage] = useState(1);
  const shown = (all ? items : differ).slice((page - 1) * PAGE, page * PAGE);
  const total = all ? items.length : differ.length;
  return (
    <>
      <div className="form simulation-which">
        <Segmented<string> aria-label={t("routing.which")} value={all ? "all" : "changed"} onChange={(v) => { setAll(v === "all"); setPage(1); }}
          options={[{ value: "changed", label: t("routing.onlyChanged") }, { value: "all", label: t("routing.allOrders") }]} />
      </div>
      {shown.length === 0 ? <p className="panel-body">{t("routing.nothingChanges")}</p> : (
        <table className="plain-table compare" data-testid="by-order">
          <thead><tr><th scope="col">{t("routing.order")}</th><th scope="col">{t("routing.before")}</th><th scope="col">{t("routing.after")}</th></tr></thead>
          <tbody>{shown.map((i) => (
            <tr key={i.id}>
              <td><Link to={`/orders/${i.id}`} className="number">{i.number}</Link><div className="dim wide-only">{i.channel} · {format.when(i.placed_at)}</div></td>
              <td><Route route={i.before} /></td>
              <td className={i.changed ? "differs" : ""}><Route route={i.after} />{!i.sure && <span className="tag tag-backorder">{t("routing.unsureTag")}</span>}</td>
            </tr>
          ))}</tbody>
        </table>
      )}
      {total > PAGE && <div className="panel-foot"><Pagination size="small" showSizeChanger={false} current={page} pageSize={PAGE} total={total} onChange={setPage} /></div>}
    </>
  );
}

function Route({ route }: { route: Schemas["SimulatedRoute"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const facts = [route.rule === UNNAMED ? t("routing.newTitle") : route.rule ?? t(`routing.told.${route.strategy as "nearest"}`, { defaultValue: route.strategy }), route.distance_km === null ? null : t("decision.km", { km: format.number(Math.round(route.distance_km)) }),
    route.cost === null ? null : format.number(Math.round(route.cost * 100) / 100)].filter((f) => f !== null);
  return (
    <>
      <b>{route.parts.length === 0 ? t("routing.nobody") : routeText(route)}</b>
      {route.parts.length > 0 && route.unserved > 0 && <span className="none-left"> {t("routing.missing", { units: format.number(route.unserved) })}</span>}
      <div className="dim">{facts.join(" · ")}</div>
    </>
  );
}
