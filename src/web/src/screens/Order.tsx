import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Skeleton } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, body, type OrderView } from "../api/client";
import { useLiveState, useTopic } from "../live/useLive";
import { DecisionPanel } from "../ui/Decision";
import { useFormat } from "../ui/format";
import { OrderActions } from "../ui/OrderActions";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { StatusTag } from "../ui/StatusTag";
import { TimelinePanel } from "../ui/Timeline";

/** One order: its parts, lines, what happened, and why it is served from where it is. */
export function Order() {
  const { id = "" } = useParams();
  const queries = useQueryClient();
  const { phase } = useLiveState();
  // What a frame tells is only that there is something new: customer and address are not in it.
  useTopic(`order/${id}`, (frames) => {
    if (frames.some((f) => f.type !== "snapshot")) void queries.invalidateQueries({ queryKey: ["order", id] });
  });
  const order = useQuery({
    queryKey: ["order", id],
    queryFn: () => body(api.GET("/api/v1/orders/{id}", { params: { path: { id } } })),
    refetchInterval: phase === "refused" ? 10_000 : false,
  });
  if (order.error && !order.data) return <ProblemAlert error={order.error} onRetry={() => void order.refetch()} />;
  if (!order.data) return <Skeleton active />;
  const stale = phase === "lost";
  return (
    <>
      <Heading order={order.data} />
      <OrderActions order={order.data} />
      <div className="columns">
        <div>
          <Parts order={order.data} stale={stale} />
          <Lines order={order.data} />
          <People order={order.data} />
          <DecisionPanel id={id} />
        </div>
        <TimelinePanel id={id} stale={stale} />
      </div>
    </>
  );
}

function Heading({ order }: { order: OrderView }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <header className="order-head">
      <h1>{t("order.title", { number: order.number })}</h1>
      <StatusTag status={order.status} />
      {order.on_hold && <span className="tag tag-hold">{t("order.onHold")}</span>}
      <dl className="facts">
        <Fact name={t("order.external")}>{order.channel}:{order.external_id}</Fact>
        <Fact name={t("order.placed")}><time dateTime={order.placed_at}>{format.when(order.placed_at)}</time></Fact>
        <Fact name={t("order.total")}>{format.money(order.total)}</Fact>
        <Fact name={t("order.type")}>{t(`fulfillment.${order.fulfillment_type}`)}</Fact>
        <Fact name={t("order.priority")}>{t(`priority.${order.priority}`)}</Fact>
        <Fact name={t("order.callout")}>{order.display_id}</Fact>
        {order.pickup_site && <Fact name={t("order.pickupSite")}>{order.pickup_site}</Fact>}
        {order.note && <Fact name={t("order.note")}>{order.note}</Fact>}
      </dl>
    </header>
  );
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => <div><dt>{name}</dt><dd>{children}</dd></div>;
const SkuLink = ({ sku }: { sku: string }) => <Link to={`/stock?sku=${encodeURIComponent(sku)}`}>{sku}</Link>;

function Parts({ order, stale }: { order: OrderView; stale: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Panel title={t("order.parts")} stale={stale} flush>
      <ul className="parts">
        {order.parts.map((p) => (
          <li key={p.part}>
            <div className="part-head"><b>{t("order.part", { part: p.part })}</b> <span>{p.site ?? t("order.noSite")}</span> <StatusTag status={p.status} /></div>
            <ul className="part-lines">{p.lines.map((l) => <li key={l.sku}><span className="number">{format.number(l.quantity)}</span> × <SkuLink sku={l.sku} /></li>)}</ul>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Lines({ order }: { order: OrderView }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Panel title={t("order.lines")} flush>
      <table className="plain-table">
        <thead><tr><th scope="col">{t("order.sku")}</th><th scope="col" className="right">{t("order.quantity")}</th><th scope="col" className="right">{t("order.price")}</th><th scope="col" className="right">{t("order.total")}</th></tr></thead>
        <tbody>
          {(order.lines ?? []).map((l, i) => (
            <tr key={i}><td><SkuLink sku={l.sku} /></td><td className="right">{format.number(l.quantity)}</td><td className="right">{format.money(l.unit_price)}</td><td className="right">{format.money(l.total)}</td></tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function People({ order }: { order: OrderView }) {
  const { t } = useTranslation();
  const { customer, ship_to: to } = order;
  const some = (...texts: (string | null | undefined)[]) => texts.filter((x) => x);
  const customerLines = some(customer?.name, customer?.email, customer?.phone);
  const addressLines = some(to?.name, to?.line1, to?.line2, some(to?.postal_code, to?.city).join(" "), some(to?.region, to?.country).join(", "));
  if (customerLines.length + addressLines.length === 0) return null;
  return (
    <section className="panel people">
      {customerLines.length > 0 && <div><h2>{t("order.customer")}</h2>{customerLines.map((l) => <div key={l}>{l}</div>)}</div>}
      {addressLines.length > 0 && <div><h2>{t("order.shipTo")}</h2><address>{addressLines.map((l) => <div key={l}>{l}</div>)}</address></div>}
    </section>
  );
}
