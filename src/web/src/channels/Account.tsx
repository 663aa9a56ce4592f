import { useQuery } from "@tanstack/react-query";
import { Alert, Button, Popconfirm } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { ASK_AGAIN_MS, useAction } from "./useAction";

type View = Schemas["ChannelView"];

const isSealed = (account: View) => account.secrets.includes("unreadable");
const stateOf = (account: View) => (!account.enabled ? "paused" : isSealed(account) ? "sealed" : account.failing_since ? "failing" : "works");

/** Whether calls come through: color and word. */
export function AccountState({ account }: { account: View }) {
  const { t } = useTranslation();
  const state = stateOf(account);
  return <b className={`light light-${state === "works" ? "green" : state === "paused" ? "yellow" : "red"}`}>{t(`channels.state.${state}`)}</b>;
}

/** How one account stands, and what can be done about all of it at once. */
export function Account({ account }: { account: View }) {
  const { t } = useTranslation();
  const format = useFormat();
  const status = useQuery({
    queryKey: ["channels", account.code, "status"], refetchInterval: ASK_AGAIN_MS,
    queryFn: () => body(api.GET("/api/v1/stock-sync/status", { params: { query: { account: account.code } } })),
  });
  const orders = useQuery({
    queryKey: ["channels", account.code, "newest"], refetchInterval: ASK_AGAIN_MS,
    queryFn: () => body(api.GET("/api/v1/orders", { params: { query: { channel: account.code, limit: 1 } } })),
  });
  const newest = orders.data?.items[0];
  const today = status.data?.statistics;
  const facts: [string, ReactNode][] = [
    [t("channels.answer"), account.last_success_at ? format.when(account.last_success_at) : t("channels.never")],
    [t("channels.secrets"), account.secrets.join(", ") || t("channels.noSecrets")],
    ...(account.kind === "allegro" ? [
      [t("channels.token"), account.token_until ? format.when(account.token_until) : t("channels.noToken")],
      [t("channels.event"), account.last_order_event_at ? <>{format.when(account.last_order_event_at)} <span className="dim">{account.last_order_event}</span></> : t("channels.noEvent")],
    ] satisfies [string, ReactNode][] : []),
    [t("channels.order"), newest ? <><Link to={`/orders/${newest.id}`}>{newest.number}</Link> <span className="dim">{format.when(newest.placed_at)}</span></> : t("channels.noOrder")],
    [t("channels.compared"), account.reconciled_at ? format.when(account.reconciled_at) : t("channels.never")],
    ...(today ? [
      [t("channels.today"), format.number(today.completed_today)],
      [t("channels.first"), today.first_try_percent === null ? t("none") : format.percent(today.first_try_percent / 100)],
      [t("channels.retryTime"), today.mean_retry_seconds === null ? t("none") : t("kpi.seconds", { count: Math.round(today.mean_retry_seconds) })],
    ] satisfies [string, ReactNode][] : []),
  ];
  return (
    <Panel title={t("channels.facts", { name: account.name })}>
      {stateOf(account) === "sealed" && <Alert type="error" showIcon role="status" title={t("channels.sealedHint")} />}
      {account.enabled && account.failing_since && (
        <Alert type="warning" showIcon role="status" title={t("channels.failing", { time: format.when(account.failing_since) })}
          description={<>{account.last_error}{account.next_try_at && <div className="dim">{t("channels.next")}: {format.when(account.next_try_at)}</div>}</>} />
      )}
      <dl className="facts account-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {status.error && <ProblemAlert error={status.error} onRetry={() => void status.refetch()} />}
      <Actions account={account} />
    </Panel>
  );
}

function Actions({ account }: { account: View }) {
  const { t } = useTranslation();
  const action = useAction();
  const params = { path: { account: account.code } };
  const run = (call: () => Promise<string | null>) => action.mutate({ call });
  const reconcile = (fix: boolean) => run(async () => {
    await api.POST("/api/v1/stock-sync/reconcile", { body: { account: account.code, fix } });
    return t(fix ? "channels.repairing" : "channels.comparing");
  });
  const retryAll = () => run(async () => {
    const { retried, left } = await body(api.POST("/api/v1/stock-sync/retry", { body: { account: account.code } }));
    return t("channels.retried", { count: retried, left });
  });
  // Settings are saved as a whole, so what is there now goes back with the switch; secrets that are not given stay.
  const turn = (enabled: boolean) => run(async () => {
    const { kind, name, settings } = await body(api.GET("/api/v1/channels/{account}", { params }));
    await api.PUT("/api/v1/channels/{account}", { params, body: { kind, name, settings, enabled } });
    return null;
  });
  const busy = action.isPending;
  return (
    <div className="actions">
      <div className="actions-row">
        {account.enabled ? (
          <Popconfirm title={t("channels.pauseSure", { name: account.name })} okText={t("channels.pause")} cancelText={t("actions.close")} onConfirm={() => turn(false)}>
            <Button disabled={busy}>{t("channels.pause")}</Button>
          </Popconfirm>
        ) : <Button type="primary" disabled={busy} onClick={() => turn(true)}>{t("channels.resume")}</Button>}
        <Button disabled={busy || !account.enabled} onClick={() => reconcile(false)}>{t("channels.compare")}</Button>
        <Button disabled={busy || !account.enabled} onClick={() => reconcile(true)}>{t("channels.repair")}</Button>
        {account.failed_operations > 0 && <Button type="primary" disabled={busy} onClick={retryAll}>{t("channels.retryAll")}</Button>}
      </div>
      {action.error ? <ProblemAlert error={action.error} /> : action.data && <Alert type="success" showIcon role="status" title={action.data} />}
    </div>
  );
}
