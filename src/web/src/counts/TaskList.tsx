import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Segmented, Skeleton } from "antd";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { SiteFilter } from "../ui/SiteFilter";
import { useFilters } from "../ui/useFilters";
import { OneTask } from "./OneTask";

type Status = Schemas["StockTaskStatus"];
const STATES: readonly Status[] = ["pending", "assigned", "in_progress", "completed", "cancelled"];

/** There is no live topic for stock tasks: the screen asks again. */
const ASK_AGAIN_MS = 5_000;

/** Stock tasks, newest first, by site and state; the filters are in the address. */
export function TaskList() {
  const { t } = useTranslation();
  const { filters, set } = useFilters(["site", "status"]);
  const { site } = filters;
  const status = STATES.find((s) => s === filters.status);
  const list = useInfiniteQuery({
    queryKey: ["stock-tasks", site, status],
    initialPageParam: null as string | null,
    refetchInterval: ASK_AGAIN_MS,
    queryFn: ({ pageParam }) => body(api.GET("/api/v1/stock-tasks", {
      params: { query: { newest: "true", limit: 30, ...(site ? { site } : {}), ...(status ? { status } : {}), ...(pageParam === null ? {} : { cursor: pageParam }) } },
    })),
    getNextPageParam: (page) => page.next_cursor,
  });
  const tasks = list.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <Panel title={t("counts.title")} extra={<span className="dim">{t("counts.hint")}</span>} flush>
      <div className="filters"><SiteFilter label={t("orders.site")} value={site} onChange={(s) => set("site", s)} /></div>
      <div className="choice">
        <Segmented<Status | ""> aria-label={t("orders.state")} name="stock-tasks" value={status ?? ""} onChange={(s) => set("status", s)}
          options={[{ value: "", label: t("orders.any") }, ...STATES.map((s) => ({ value: s, label: t(`counts.status.${s}`) }))]} />
      </div>
      {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : list.isPending ? <div className="panel-body"><Skeleton active title={false} /></div>
        : tasks.length === 0 ? <p className="panel-body dim">{t("counts.none")}</p>
          : <ul className="levels">{tasks.map((task) => <OneTask key={task.id} task={task} />)}</ul>}
      {list.hasNextPage && <div className="panel-foot"><Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("orders.more")}</Button></div>}
    </Panel>
  );
}
