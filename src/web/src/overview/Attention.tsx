import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Skeleton } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "../api/client";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useAlerts, useLinks, useOverview } from "./useOverview";

type Alert = Schemas["AlertView"];
type Reason = Schemas["StuckReason"];

/** What somebody should look at, before anything else: stuck orders, alerts, short stock, links. Empty columns are left out. */
export function Attention({ stale }: { stale: boolean }) {
  const { t } = useTranslation();
  const overview = useOverview();
  const alerts = useAlerts();
  const lagging = useLinks();
  const now = overview.data;
  if (!now) {
    return (
      <Panel title={t("attention.title")} stale={stale}>
        {overview.error ? <ProblemAlert error={overview.error} onRetry={() => void overview.refetch()} /> : <Skeleton active title={false} paragraph={{ rows: 3 }} />}
      </Panel>
    );
  }
  const stuck = Object.entries(now.stuck) as [Reason, number][];
  const links = lagging.data?.items.filter((l) => l.state !== "connected" || l.alerts.length > 0) ?? [];
  // Of what has a column of its own, the alert tells nothing more.
  const others = alerts.data?.items.filter((a) => !a.key.startsWith("stuck/") && a.key !== "short_stock" && !a.key.startsWith("link_")) ?? [];
  const calm = stuck.length + links.length + others.length + now.short_stock.length === 0;
  return (
    <Panel title={t("attention.title")} stale={stale || overview.error !== null} flush>
      {calm ? <p className="attention-calm">{t("attention.none")}</p> : (
        <div className="attention">
          {stuck.length > 0 && <Column title={t("attention.stuck")} bad>{stuck.map(([reason, count]) => <Stuck key={reason} reason={reason} count={count} />)}</Column>}
          {others.length > 0 && <Column title={t("attention.alerts")} bad={others.some((a) => a.severity === "critical")}>{others.map((a) => <AlertRow key={a.id} alert={a} />)}</Column>}
          {links.length > 0 && <Column title={t("attention.links")} bad>{links.map((l) => <BadLink key={l.site} link={l} />)}</Column>}
          {now.short_stock.length > 0 && <Column title={t("attention.short")}>{now.short_stock.map((s) => <Short key={s.sku} item={s} />)}</Column>}
        </div>
      )}
    </Panel>
  );
}

function Column({ title, bad, children }: { title: string; bad?: boolean; children: ReactNode }) {
  return <section className={bad ? "attention-column attention-bad" : "attention-column"}><h3>{title}</h3><ul>{children}</ul></section>;
}

function Stuck({ reason, count }: { reason: Reason; count: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  return <li data-testid={`stuck-${reason}`}><b className="attention-count">{format.number(count)}</b> <Link to="/orders?stuck=true">{t(`attention.reason.${reason}`)}</Link></li>;
}

/** A link that is up but behind says by how much. */
function BadLink({ link }: { link: Schemas["LinkView"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const behind = link.in.lag_seconds >= link.out.lag_seconds ? link.in : link.out;
  return (
    <li><Link to="/links">{link.site}</Link>{" "}
      <b className="none-left">{link.state === "connected" ? t("attention.linkBehind") : t(`attention.link.${link.state}`)}</b>{" "}
      {behind.lag_events > 0 && <span className="dim">{t("links.lag", { events: format.number(behind.lag_events), seconds: format.number(behind.lag_seconds) })}</span>}
    </li>
  );
}

function Short({ item }: { item: Schemas["ShortStock"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const what = [
    item.backordered > 0 && t("attention.backordered", { units: format.number(item.backordered) }), item.backordered === 0 && t("attention.soldOut"),
    item.promised > 0 && t("attention.promised", { units: format.number(item.promised) }),
  ].filter((text) => text !== false);
  return <li><Link to={`/stock?sku=${encodeURIComponent(item.sku)}`}>{item.sku}</Link> <span className="dim">{what.join(", ")}</span></li>;
}

/** The screen on which something can be done about it. */
function placeOf(key: string): string | null {
  if (key === "parked") return "/links";
  if (key.startsWith("stock_sync/")) return "/channels";
  if (key.startsWith("webhook/")) return `/webhooks?hook=${key.slice("webhook/".length)}`;
  const account = key.startsWith("channel/") ? key.split("/")[1] : undefined;
  return account ? `/channels?account=${encodeURIComponent(account)}` : null;
}

function AlertRow({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const seen = useMutation({
    mutationFn: () => api.POST("/api/v1/alerts/{id}/acknowledge", { params: { path: { id: alert.id } } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["alerts"] }),
  });
  const place = placeOf(alert.key);
  return (
    <li>
      <span className={alert.severity === "critical" ? "tag tag-short" : "tag tag-backorder"}>{t(`attention.${alert.severity}`)}</span> {place ? <Link to={place}>{alert.summary}</Link> : alert.summary}{" "}
      <span className="dim nowrap">{t("attention.since", { time: format.when(alert.raised_at) })}</span>{" "}
      {alert.acknowledged_by ? <span className="dim">{t("attention.seenBy", { who: alert.acknowledged_by })}</span>
        : <Button size="small" loading={seen.isPending} onClick={() => seen.mutate()}>{t("attention.seen")}</Button>}
      {seen.error && <ProblemAlert error={seen.error} />}
    </li>
  );
}
