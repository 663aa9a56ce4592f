import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import { api, body, type OrderStatus } from "../api/client";
import { FirstSteps } from "../ui/FirstSteps";
import { OrderTable } from "../ui/OrderTable";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { SavedViews } from "../ui/SavedViews";
import { SiteFilter } from "../ui/SiteFilter";
import { useFilters } from "../ui/useFilters";

const STATES: readonly OrderStatus[] = ["backorder", "allocated", "picking", "packing", "ready", "shipped", "delivered", "cancelling", "cancelled"];
/** As the API calls them. Dates are days of the browser's own calendar; the API is asked for their first and last moment. */
const FILTERS = ["status", "site", "channel", "external_id", "text", "since", "until", "stuck", "late"] as const;
type Filters = Partial<Record<(typeof FILTERS)[number], string>>;

function asked({ status, since, until, ...rest }: Filters) {
  const day = (text: string, after: number) => {
    const [year = 0, month = 1, date = 1] = text.split("-").map(Number);
    return new Date(year, month - 1, date + after).toISOString();
  };
  return { ...rest, ...(status ? { status: status as OrderStatus } : {}), ...(since ? { since: day(since, 0) } : {}), ...(until ? { until: day(until, 1) } : {}) };
}

/** All orders, newest first, by the filters that operators use. The filters are in the address, so that a view can be sent to somebody. */
export function Orders() {
  const { t } = useTranslation();
  const { filters, set, clear } = useFilters(FILTERS);
  const list = useInfiniteQuery({
    queryKey: ["orders", "list", filters],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) => body(api.GET("/api/v1/orders", { params: { query: { ...asked(filters), limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } } })),
    getNextPageParam: (page) => page.next_cursor,
  });
  const orders = list.data?.pages.flatMap((p) => p.items) ?? [];
  const filtered = Object.keys(filters).length > 0;
  return (
    <Panel title={t("orders.title")} extra={list.data && <span className="dim">{t("orders.shown", { count: orders.length })}</span>} flush>
      <div className="filters">
        <TextFilter label={t("filter.text")} value={filters.text} onChange={(v) => set("text", v)} />
        <label>{t("orders.state")}
          <Select<OrderStatus | ""> value={(filters.status as OrderStatus | undefined) ?? ""} onChange={(s) => set("status", s)} popupMatchSelectWidth={false}
            options={[{ value: "", label: t("orders.any") }, ...STATES.map((s) => ({ value: s, label: t(`status.${s}`) }))]} />
        </label>
        <SiteFilter label={t("orders.site")} value={filters.site} onChange={(site) => set("site", site)} />
        <TextFilter label={t("orders.channel")} value={filters.channel} onChange={(v) => set("channel", v)} />
        <DayFilter label={t("filter.since")} value={filters.since} onChange={(v) => set("since", v)} />
        <DayFilter label={t("filter.until")} value={filters.until} onChange={(v) => set("until", v)} />
        <div className="flags">
          <Button type={filters.stuck ? "primary" : "default"} aria-pressed={!!filters.stuck} onClick={() => set("stuck", filters.stuck ? undefined : "true")}>{t("filter.stuck")}</Button>
          <Button type={filters.late ? "primary" : "default"} aria-pressed={!!filters.late} title={t("filter.lateHint")} onClick={() => set("late", filters.late ? undefined : "true")}>{t("filter.late")}</Button>
        </div>
        {filters.external_id && <TextFilter label={t("orders.externalId")} value={filters.external_id} onChange={(v) => set("external_id", v)} />}
        {filtered && <Button type="text" onClick={clear}>{t("orders.clear")}</Button>}
      </div>
      <SavedViews query={new URLSearchParams(filters).toString()} />
      {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : (
        <OrderTable orders={orders} loading={list.isPending} empty={filtered ? <><h3>{t("orders.noneTitle")}</h3><p>{t("orders.noneHint")}</p></> : list.isPending ? <span /> : <FirstSteps />} />
      )}
      {list.hasNextPage && <div className="panel-foot"><Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("orders.more")}</Button></div>}
    </Panel>
  );
}

function DayFilter({ label, value, onChange }: { label: string; value: string | undefined; onChange: (value: string) => void }) {
  // The browser's own calendar: it knows the device's habits, and needs no script.
  return <label>{label}<input type="date" className="ant-input day" value={value ?? ""} onChange={(e) => onChange(e.target.value)} /></label>;
}

function TextFilter({ label, value, onChange }: { label: string; value: string | undefined; onChange: (value: string) => void }) {
  return (
    <label>{label}
      <Input key={value ?? ""} defaultValue={value ?? ""} allowClear onClear={() => onChange("")} onPressEnter={(e) => onChange(e.currentTarget.value.trim())}
        onBlur={(e) => { if (e.currentTarget.value.trim() !== (value ?? "")) onChange(e.currentTarget.value.trim()); }} />
    </label>
  );
}
