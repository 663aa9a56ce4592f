import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button, Skeleton } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body, type OrderStatus } from "../api/client";
import { ordersNow, type OrdersNow } from "../live/ordersNow";
import { useLiveState, useTopic } from "../live/useLive";
import { Attention } from "../overview/Attention";
import { Kpis } from "../overview/Kpis";
import { Sites } from "../overview/Sites";
import { FirstSteps } from "../ui/FirstSteps";
import { useFormat } from "../ui/format";
import { OrderTable } from "../ui/OrderTable";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { ThroughputChart } from "../ui/ThroughputChart";

const NEWEST = 20;
const MINUTES = 60;
const ASK_AGAIN_MS = 10_000;

/** In the order of an order's way, then what leaves it. */
const STATES: readonly OrderStatus[] = ["backorder", "allocated", "picking", "packing", "ready", "shipped", "delivered", "cancelling", "cancelled"];

/** What is going on at a glance: orders per state, orders per minute, the newest orders. All of it moves by itself. */
export function Overview() {
  const { t } = useTranslation();
  const { phase } = useLiveState();
  const [now, setNow] = useState<OrdersNow>();
  useTopic("orders", useCallback((frames) => setNow((state) => frames.reduce(ordersNow, state)), []));
  const stale = phase === "lost";
  const empty = now !== undefined && now.newest.length === 0;
  const shown = now !== undefined;
  useEffect(() => {
    if (shown) performance.mark("stowline-orders-shown"); // for the journeys, and for whoever measures at a user's
  }, [shown]);
  return (
    <>
      <h1 className="sr-only">{t("overview.title")}</h1>
      {!empty && <Attention stale={stale} />}
      {phase !== "refused" && <StatePanel counts={now?.counts} stale={stale} />}
      {empty ? <Panel title={t("overview.newest")}><FirstSteps /></Panel> : (
        <>
          <Sites stale={stale} />
          <ThroughputPanel lost={stale} />
          <Kpis />
          {phase === "refused" ? <AskedNewest /> : <LiveNewest now={now} stale={stale} />}
        </>
      )}
    </>
  );
}

function StatePanel({ counts, stale }: { counts: OrdersNow["counts"] | undefined; stale: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Panel title={t("overview.states")} stale={stale} flush>
      <ul className="states">
        {STATES.map((s) => (
          <li key={s}>
            <Link to={`/orders?status=${s}`} className={`state tag-edge-${s}${counts?.[s] ? "" : " state-zero"}`} data-testid={`state-${s}`}>
              <span className="state-count">{counts ? format.number(counts[s] ?? 0) : "·"}</span>
              <span className="state-name">{t(`status.${s}`)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function ThroughputPanel({ lost }: { lost: boolean }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({
    queryKey: ["throughput", MINUTES],
    queryFn: () => body(api.GET("/api/v1/orders/throughput", { params: { query: { minutes: MINUTES } } })),
    refetchInterval: ASK_AGAIN_MS,
  });
  return (
    <Panel title={t("overview.throughput")} extra={<span className="dim">{t("overview.window", { count: MINUTES })}</span>} stale={lost || error !== null}>
      {data ? <ThroughputChart data={data} /> : error ? <ProblemAlert error={error} onRetry={() => void refetch()} /> : <Skeleton active title={false} paragraph={{ rows: 3 }} />}
    </Panel>
  );
}

function AllOrders() {
  const { t } = useTranslation();
  return <Link to="/orders">{t("overview.all")}</Link>;
}

/** The newest orders as they come; older ones are read on from the last row, by key. */
function LiveNewest({ now, stale }: { now: OrdersNow | undefined; stale: boolean }) {
  const { t } = useTranslation();
  // From here on the rows come from the list; above it they are live, however many come.
  const [anchor, setAnchor] = useState<string | null>(null);
  const older = useInfiniteQuery({
    queryKey: ["orders", "older", anchor],
    enabled: anchor !== null,
    initialPageParam: anchor ?? "",
    queryFn: ({ pageParam }) => body(api.GET("/api/v1/orders", { params: { query: { cursor: pageParam, limit: NEWEST } } })),
    getNextPageParam: (page) => page.next_cursor,
  });
  const rows = now?.newest ?? [];
  const shown = anchor === null ? rows.slice(0, NEWEST) : rows.slice(0, rows.findIndex((o) => o.id === anchor) + 1 || rows.length);
  const more = anchor === null ? rows.length >= NEWEST : older.hasNextPage;
  return (
    <Panel title={t("overview.newest")} extra={<AllOrders />} stale={stale} flush>
      {now ? <OrderTable orders={[...shown, ...(older.data?.pages.flatMap((p) => p.items) ?? [])]} /> : <div className="panel-body"><Skeleton active title={false} paragraph={{ rows: 6 }} /></div>}
      {older.error && <ProblemAlert error={older.error} onRetry={() => void older.refetch()} />}
      {more && (
        <div className="panel-foot">
          <Button size="small" loading={older.isFetching} onClick={() => (anchor === null ? setAnchor(shown.at(-1)?.id ?? null) : void older.fetchNextPage())}>{t("overview.older")}</Button>
        </div>
      )}
    </Panel>
  );
}

/** For keys that may not follow live. */
function AskedNewest() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({
    queryKey: ["orders", "newest"],
    queryFn: () => body(api.GET("/api/v1/orders", { params: { query: { limit: NEWEST } } })),
    refetchInterval: ASK_AGAIN_MS,
  });
  return (
    <Panel title={t("overview.newest")} extra={<AllOrders />} stale={error !== null} flush>
      {error ? <ProblemAlert error={error} onRetry={() => void refetch()} /> : <OrderTable orders={data?.items ?? []} loading={!data} empty={<FirstSteps />} />}
    </Panel>
  );
}
