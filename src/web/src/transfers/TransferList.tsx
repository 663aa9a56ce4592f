import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Select, Skeleton } from "antd";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { SiteFilter } from "../ui/SiteFilter";
import { useFilters } from "../ui/useFilters";
import { OneTransfer } from "./OneTransfer";

type Status = Schemas["TransferStatus"];
const STATES: readonly Status[] = ["requested", "picking", "packing", "ready", "in_transit", "received", "cancelling", "cancelled", "short"];

/** There is no live topic for transfers: the screen asks again. */
const ASK_AGAIN_MS = 5_000;

/** Transfers, newest first, by sites and state; the filters are in the address. */
export function TransferList() {
  const { t } = useTranslation();
  const { filters, set, clear } = useFilters(["from", "to", "status"]);
  const status = STATES.find((s) => s === filters.status);
  const list = useInfiniteQuery({
    queryKey: ["transfers", filters],
    initialPageParam: null as string | null,
    refetchInterval: ASK_AGAIN_MS,
    queryFn: ({ pageParam }) => body(api.GET("/api/v1/transfers", {
      params: {
        query: {
          newest: "true", limit: 30, ...(filters.from ? { from: filters.from } : {}), ...(filters.to ? { to: filters.to } : {}), ...(status ? { status } : {}),
          ...(pageParam === null ? {} : { cursor: pageParam }),
        },
      },
    })),
    getNextPageParam: (page) => page.next_cursor,
  });
  const transfers = list.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <Panel title={t("transfers.title")} extra={<span className="dim">{t("transfers.hint")}</span>} flush>
      <div className="filters">
        <SiteFilter label={t("transfers.from")} value={filters.from} onChange={(s) => set("from", s)} />
        <SiteFilter label={t("transfers.to")} value={filters.to} onChange={(s) => set("to", s)} />
        <label>{t("orders.state")}
          <Select<Status | ""> value={status ?? ""} onChange={(s) => set("status", s)} popupMatchSelectWidth={false}
            options={[{ value: "", label: t("orders.any") }, ...STATES.map((s) => ({ value: s, label: t(`transfers.status.${s}`) }))]} />
        </label>
        {Object.keys(filters).length > 0 && <Button type="text" onClick={clear}>{t("orders.clear")}</Button>}
      </div>
      {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : list.isPending ? <div className="panel-body"><Skeleton active title={false} /></div>
        : transfers.length === 0 ? <p className="panel-body dim">{t("transfers.none")}</p>
          : <ul className="levels">{transfers.map((transfer) => <OneTransfer key={transfer.id} transfer={transfer} />)}</ul>}
      {list.hasNextPage && <div className="panel-foot"><Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("orders.more")}</Button></div>}
    </Panel>
  );
}
