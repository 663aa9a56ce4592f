import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button, Popconfirm, Segmented, Skeleton } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body, type Schemas } from "../api/client";
import type { en } from "../i18n/en";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { ASK_AGAIN_MS, useAction } from "./useAction";

type Operation = Schemas["StockOperationView"];
type Status = Schemas["OperationStatus"];
const STATES: readonly Status[] = ["pending", "processing", "failed", "completed", "cancelled"];

/** What was or is to be set at the marketplace, by state; what has failed comes first where there is any. */
export function Operations({ account }: { account: Schemas["ChannelView"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [asked, setAsked] = useState<Status | null>(null);
  const status = useQuery({
    queryKey: ["channels", account.code, "status"], refetchInterval: ASK_AGAIN_MS,
    queryFn: () => body(api.GET("/api/v1/stock-sync/status", { params: { query: { account: account.code } } })),
  });
  const counts = status.data?.statistics;
  const known: Partial<Record<Status, number>> = counts
    ? { pending: counts.pending_operations, processing: counts.processing_operations, failed: counts.failed_operations } : {};
  const shown = asked ?? (account.failed_operations > 0 ? "failed" : account.pending_operations > 0 ? "pending" : "completed");
  const list = useInfiniteQuery({
    queryKey: ["channels", account.code, "operations", shown],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) => body(api.GET("/api/v1/stock-sync/pending", { params: { query: { account: account.code, status: shown, limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } } })),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ASK_AGAIN_MS,
  });
  const operations = list.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <Panel title={t("channels.operations")} extra={<span className="dim">{t("channels.operationsHint")}</span>} flush>
      <div className="choice">
        <Segmented<Status> aria-label={t("channels.operations")} name="operations" value={shown} onChange={setAsked}
          options={STATES.map((s) => ({ value: s, label: known[s] === undefined ? t(`channels.status.${s}`) : `${t(`channels.status.${s}`)} ${format.number(known[s])}` }))} />
      </div>
      {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : list.isPending ? <div className="panel-body"><Skeleton active title={false} /></div>
        : operations.length === 0 ? <p className="panel-body dim">{t("channels.noOperations")}</p>
          : <ul className="levels">{operations.map((o) => <OneOperation key={o.id} operation={o} />)}</ul>}
      {list.hasNextPage && <div className="panel-foot"><Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("orders.more")}</Button></div>}
    </Panel>
  );
}

function OneOperation({ operation: o }: { operation: Operation }) {
  const { t } = useTranslation();
  const format = useFormat();
  const action = useAction();
  const [open, setOpen] = useState(false);
  const params = { path: { operation: o.id } };
  const run = (call: () => Promise<unknown>) => action.mutate({ call: async () => (await call(), null) });
  const canAct = o.status === "pending" || o.status === "failed";
  return (
    <li data-testid={`operation-${o.offer}`}>
      <div className="site-head">
        <b>{o.offer}</b> <Link to={`/stock?sku=${encodeURIComponent(o.sku)}`}>{o.sku}</Link>
        <b>{o.previous === null ? "?" : format.number(o.previous)} → {format.number(o.quantity)}</b>
        <span className="dim">{t(`channels.type.${o.operation_type}`)} · {format.when(o.completed_at ?? o.updated_at)}
          {o.retry_count > 0 && <> · {t("channels.retries", { count: o.retry_count, most: o.max_retries })}</>}
          {o.status === "pending" && o.next_retry_at && <> · {t("channels.nextTry", { time: format.when(o.next_retry_at) })}</>}
        </span>
        {canAct && (
          <span className="row-actions">
            <Button size="small" disabled={action.isPending} onClick={() => run(() => api.POST("/api/v1/stock-sync/retry/{operation}", { params }))}>{t("channels.retry")}</Button>
            <Popconfirm title={t("channels.cancelSure")} okText={t("channels.cancel")} cancelText={t("actions.close")}
              onConfirm={() => run(() => api.DELETE("/api/v1/stock-sync/cancel/{operation}", { params }))}>
              <Button size="small" danger disabled={action.isPending}>{t("channels.cancel")}</Button>
            </Popconfirm>
          </span>
        )}
      </div>
      {o.error_message && <p className={o.status === "cancelled" ? "dim" : "none-left"}>{o.error_message}</p>}
      {action.error && <ProblemAlert error={action.error} />}
      <details onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>{t("channels.log")}</summary>
        {open && <Steps id={o.id} />}
      </details>
    </li>
  );
}

type Step = keyof (typeof en)["channels"]["step"];

function Steps({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error } = useQuery({
    queryKey: ["channels", "operation", id], refetchInterval: ASK_AGAIN_MS,
    queryFn: () => body(api.GET("/api/v1/stock-sync/operations/{operation}", { params: { path: { operation: id } } })),
  });
  if (error) return <ProblemAlert error={error} />;
  return (
    <ol className="steps">
      {data?.log?.map((line, i) => (
        <li key={i}>
          <time className="dim" dateTime={line.timestamp}>{format.when(line.timestamp)}</time> {t(`channels.step.${line.action as Step}`, { defaultValue: line.action })}
          {line.execution_time_ms !== null && <span className="dim"> · {t("channels.ms", { count: line.execution_time_ms })}</span>}
          {line.details && <span className="dim"> · {line.details}</span>}
        </li>
      ))}
    </ol>
  );
}
