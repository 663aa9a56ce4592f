import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api, body, type OrderStatus } from "../api/client";
import { FirstSteps } from "../ui/FirstSteps";
import { OrderTable } from "../ui/OrderTable";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";

const STATES: readonly OrderStatus[] = ["backorder", "allocated", "picking", "packing", "ready", "shipped", "delivered", "cancelling", "cancelled"];
const FILTERS = ["status", "site", "channel", "external_id"] as const;
type Filter = (typeof FILTERS)[number];

/** All orders, newest first, by the filters that operators use. The filters are in the address, so that a view can be sent to somebody. */
export function Orders() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const filters = Object.fromEntries(FILTERS.flatMap((f) => (params.get(f) ? [[f, params.get(f)!]] : []))) as Partial<Record<Filter, string>>;
  const set = (filter: Filter, value: string | undefined) => setParams((old) => {
    if (value) old.set(filter, value);
    else old.delete(filter);
    return old;
  });
  const list = useInfiniteQuery({
    queryKey: ["orders", "list", filters],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) => body(api.GET("/api/v1/orders", {
      params: { query: { ...filters, status: filters.status as OrderStatus, limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } },
    })),
    getNextPageParam: (page) => page.next_cursor,
  });
  const orders = list.data?.pages.flatMap((p) => p.items) ?? [];
  const filtered = Object.keys(filters).length > 0;
  return (
    <Panel title={t("orders.title")} extra={list.data && <span className="dim">{t("orders.shown", { count: orders.length })}</span>} flush>
      <div className="filters">
        <label>{t("orders.state")}
          <Select<OrderStatus | ""> value={(filters.status as OrderStatus | undefined) ?? ""} onChange={(s) => set("status", s)} popupMatchSelectWidth={false}
            options={[{ value: "", label: t("orders.any") }, ...STATES.map((s) => ({ value: s, label: t(`status.${s}`) }))]} />
        </label>
        <SiteFilter value={filters.site} onChange={(site) => set("site", site)} />
        <TextFilter label={t("orders.channel")} value={filters.channel} onChange={(v) => set("channel", v)} />
        <TextFilter label={t("orders.externalId")} value={filters.external_id} onChange={(v) => set("external_id", v)} />
        {filtered && <Button type="text" onClick={() => setParams({})}>{t("orders.clear")}</Button>}
      </div>
      {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : (
        <OrderTable orders={orders} loading={list.isPending} empty={filtered ? <><h3>{t("orders.noneTitle")}</h3><p>{t("orders.noneHint")}</p></> : list.isPending ? <span /> : <FirstSteps />} />
      )}
      {list.hasNextPage && <div className="panel-foot"><Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("orders.more")}</Button></div>}
    </Panel>
  );
}

function SiteFilter({ value, onChange }: { value: string | undefined; onChange: (site: string) => void }) {
  const { t } = useTranslation();
  const { data } = useQuery({ queryKey: ["sites"], queryFn: () => body(api.GET("/api/v1/sites", { params: { query: { limit: 200 } } })) });
  const codes = new Set([...(data?.items.map((s) => s.code) ?? []), ...(value ? [value] : [])]);
  return (
    <label>{t("orders.site")}
      <Select showSearch value={value ?? ""} onChange={onChange} popupMatchSelectWidth={false}
        options={[{ value: "", label: t("orders.any") }, ...[...codes].map((code) => ({ value: code, label: code }))]} />
    </label>
  );
}

function TextFilter({ label, value, onChange }: { label: string; value: string | undefined; onChange: (value: string) => void }) {
  return (
    <label>{label}
      <Input key={value ?? ""} defaultValue={value ?? ""} allowClear onClear={() => onChange("")} onPressEnter={(e) => onChange(e.currentTarget.value.trim())}
        onBlur={(e) => { if (e.currentTarget.value.trim() !== (value ?? "")) onChange(e.currentTarget.value.trim()); }} />
    </label>
  );
}
