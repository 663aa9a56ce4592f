import { useQuery } from "@tanstack/react-query";
import { Button, Skeleton } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { at, whole } from "../api/whole";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useFilters } from "../ui/useFilters";
import { Deliveries } from "../webhooks/Deliveries";
import { Endpoint, HookState } from "../webhooks/Endpoint";
import type { Hook } from "../webhooks/hooks";
import { NewWebhook } from "../webhooks/NewWebhook";
import { Secret } from "../webhooks/Secret";
import { ASK_AGAIN_MS } from "../webhooks/useHookAction";

/** The URLs that are told of events, and of one of them (`?hook=`) what it was told, what it answered and what can be done about it. */
export function Webhooks() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { filters, set } = useFilters(["hook", "status"]);
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<Schemas["WebhookSecret"] | null>(null);
  const list = useQuery({
    queryKey: ["webhooks", "list"], refetchInterval: ASK_AGAIN_MS,
    queryFn: () => whole((cursor) => body(api.GET("/api/v1/webhooks", { params: { query: at(cursor) } }))),
  });
  const hooks = list.data ?? [];
  const chosen = filters.hook === undefined ? hooks[0] : hooks.find((h) => h.id === filters.hook);
  const isEmpty = list.data?.length === 0;
  function made(now: Schemas["WebhookSecret"]) {
    setSecret(now);
    setMaking(false);
    void navigate(`/webhooks?hook=${now.id}`);
  }
  return (
    <>
      <h1 className="sr-only">{t("nav.webhooks")}</h1>
      <Panel title={t("webhooks.title")} stale={list.error !== null && list.data !== undefined} flush
        extra={list.data && !isEmpty && <Button size="small" aria-expanded={making} onClick={() => setMaking(!making)}>{t("webhooks.new")}</Button>}>
        {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : !list.data ? <div className="panel-body"><Skeleton active title={false} /></div>
          : isEmpty ? <p className="panel-body">{t("webhooks.none")}</p> : <ul className="levels accounts">{hooks.map((h) => <Line key={h.id} hook={h} chosen={h === chosen} />)}</ul>}
      </Panel>
      {(making || isEmpty) && <NewWebhook onMade={made} {...(isEmpty ? {} : { onClose: () => setMaking(false) })} />}
      {secret && <Secret made={secret} onClose={() => setSecret(null)} />}
      {filters.hook !== undefined && list.data && !chosen && secret?.id !== filters.hook && <p>{t("webhooks.unknown")}</p>}
      {chosen && (
        <div key={chosen.id} className="channel">
          <Endpoint hook={chosen} read={list.dataUpdatedAt} onSecret={setSecret} />
          <Deliveries hook={chosen} which={filters.status} onWhich={(status) => set("status", status)} />
        </div>
      )}
    </>
  );
}

function Line({ hook, chosen }: { hook: Hook; chosen: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <li data-testid={`webhook-${hook.id}`} className={chosen ? "account-chosen" : undefined}>
      <div className="site-head">
        <Link to={`/webhooks?hook=${hook.id}`} aria-current={chosen ? "page" : undefined} className="link-strong long">{hook.url}</Link>
        {hook.description && <span className="dim">{hook.description}</span>}
        <HookState hook={hook} />
      </div>
      <dl className="facts">
        <div><dt>{t("webhooks.types")}</dt><dd>{hook.profile === "standard" ? hook.types.join(", ") : t("webhooks.profile.order_status")}</dd></div>
        <div><dt>{t("channels.waiting")}</dt><dd>{format.number(hook.pending)}</dd></div>
        <div><dt>{t("webhooks.which.failed")}</dt><dd className={hook.failed > 0 ? "none-left" : undefined}>{format.number(hook.failed)}</dd></div>
        <div><dt>{t("webhooks.lastSuccess")}</dt><dd>{hook.last_success_at ? format.when(hook.last_success_at) : t("channels.never")}</dd></div>
        {hook.enabled && hook.failing_since && <div><dt>{t("webhooks.failsSince")}</dt><dd className="none-left">{format.when(hook.failing_since)}</dd></div>}
      </dl>
    </li>
  );
}
