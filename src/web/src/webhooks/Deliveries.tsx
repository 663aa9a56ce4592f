import { useInfiniteQuery } from "@tanstack/react-query";
import { Alert, Button, Popconfirm, Segmented, Skeleton } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { hookReason } from "../i18n/told";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { Answer } from "./Answer";
import { canReplay, deliveryState, orderOf, type Delivery, type DeliveryState, type Hook } from "./hooks";
import { ASK_AGAIN_MS, useHookAction } from "./useHookAction";

const STATES = ["all", "pending", "failed", "delivered", "skipped"] as const;
type Which = (typeof STATES)[number];

const COLOR: Record<DeliveryState, string> = { pending: "allocated", again: "backorder", failed: "short", delivered: "delivered", skipped: "cancelled" };

/** What a webhook was told or is to be told, newest first, with what it answered; sent again one by one, what was given up, or from a moment on. */
export function Deliveries({ hook, which, onWhich }: { hook: Hook; which: string | undefined; onWhich: (which: string | undefined) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const shown = STATES.find((s) => s === which) ?? "all";
  const list = useInfiniteQuery({
    queryKey: ["webhooks", hook.id, "deliveries", shown],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) => body(api.GET("/api/v1/webhooks/{id}/deliveries", {
      params: { path: { id: hook.id }, query: { limit: 30, ...(shown === "all" ? {} : { status: shown }), ...(pageParam === null ? {} : { cursor: pageParam }) } },
    })),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ASK_AGAIN_MS,
  });
  const deliveries = list.data?.pages.flatMap((p) => p.items) ?? [];
  const counts: Partial<Record<Which, number>> = { pending: hook.pending, failed: hook.failed };
  const label = (s: Which) => (counts[s] ? `${t(`webhooks.which.${s}`)} ${format.number(counts[s])}` : t(`webhooks.which.${s}`));
  return (
    <Panel title={t("webhooks.deliveries")} extra={<span className="dim">{t("webhooks.deliveriesHint")}</span>} flush>
      <Replay hook={hook} />
      <div className="choice">
        <Segmented<Which> aria-label={t("webhooks.deliveries")} name="deliveries" value={shown} onChange={(s) => onWhich(s === "all" ? undefined : s)}
          options={STATES.map((s) => ({ value: s, label: label(s) }))} />
      </div>
      {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : list.isPending ? <div className="panel-body"><Skeleton active title={false} /></div>
        : deliveries.length === 0 ? <p className="panel-body dim">{t("webhooks.noDeliveries")}</p>
          : <ul className="levels">{deliveries.map((d) => <OneDelivery key={d.seq} hook={hook} delivery={d} />)}</ul>}
      {list.hasNextPage && <div className="panel-foot"><Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("orders.more")}</Button></div>}
    </Panel>
  );
}

/** Sends many again. */
function Replay({ hook }: { hook: Hook }) {
  const { t } = useTranslation();
  const [since, setSince] = useState("");
  const replay = useHookAction((which: Schemas["ReplayBody"]) => body(api.POST("/api/v1/webhooks/{id}/replay", { params: { path: { id: hook.id } }, body: which })));
  function enter(e: FormEvent) {
    e.preventDefault();
    // The browser's own clock, as the times in the list.
    if (since) replay.mutate({ since: new Date(since).toISOString() });
  }
  return (
    <form className="form" aria-label={t("webhooks.again")} onSubmit={enter}>
      <label>{t("webhooks.since")}<input type="datetime-local" className="ant-input day" required value={since} onChange={(e) => setSince(e.target.value)} /></label>
      <Button htmlType="submit" loading={replay.isPending} disabled={!since}>{t("webhooks.replaySince")}</Button>
      {hook.failed > 0 && (
        <Popconfirm title={t("webhooks.replayFailedSure", { count: hook.failed })} okText={t("webhooks.replayFailed")} cancelText={t("actions.close")} onConfirm={() => replay.mutate({ failed: true })}>
          <Button type="primary" loading={replay.isPending}>{t("webhooks.replayFailed")}</Button>
        </Popconfirm>
      )}
      {replay.error ? <div className="hook-wrong"><ProblemAlert error={replay.error} /></div>
        : replay.data && <Alert type="success" showIcon role="status" title={t("webhooks.replayed", { count: replay.data.deliveries })} {...(hook.enabled ? {} : { description: t("webhooks.whenOn") })} />}
    </form>
  );
}

function OneDelivery({ hook, delivery: d }: { hook: Hook; delivery: Delivery }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const replay = useHookAction(() => api.POST("/api/v1/webhooks/{id}/replay", { params: { path: { id: hook.id } }, body: { seq: d.seq } }));
  const state = deliveryState(d);
  const order = orderOf(d);
  const next = hook.enabled && state === "again" ? d.next_at : null;
  return (
    <li data-testid={`delivery-${d.seq}`}>
      <div className="site-head">
        <b>{d.type}</b> {order && <Link to={`/orders/${order}`}>{t("order.number")}</Link>}
        <span className={`tag tag-${COLOR[state]}`}>{t(`webhooks.delivery.${state}`)}</span>
        {d.last_status !== null && !d.last_error && <b>{d.last_status}</b>}
        <span className="dim">{format.when(d.last_at ?? d.created_at)}
          {d.attempts > 0 && <> · {t("webhooks.attempts", { count: d.attempts })}</>}
          {next && <> · {t("webhooks.next", { time: format.when(next) })}</>}
        </span>
        {canReplay(d) && (
          <span className="row-actions"><Button size="small" loading={replay.isPending} onClick={() => replay.mutate(undefined)}>{t(state === "again" ? "webhooks.tryNow" : "webhooks.sendAgain")}</Button></span>
        )}
      </div>
      {d.last_error && <p className={state === "delivered" ? "dim" : "none-left"}>{hookReason(i18n.language, d.last_error)}</p>}
      {replay.error && <ProblemAlert error={replay.error} />}
      <details>
        <summary>{t("webhooks.more")}</summary>
        <dl className="facts">
          {([["webhook-id", d.message_id], [t("webhooks.subject"), d.subject], [t("webhooks.place"), `${d.lane} ${d.position}`], [t("webhooks.queued"), format.when(d.created_at)]] as const)
            .map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
        </dl>
        {d.last_body ? <Answer text={d.last_body} /> : <p className="dim">{t(d.attempts > 0 ? "webhooks.emptyAnswer" : "webhooks.noAnswer")}</p>}
      </details>
    </li>
  );
}
