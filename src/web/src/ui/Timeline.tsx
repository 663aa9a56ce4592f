import { useQuery } from "@tanstack/react-query";
import { Skeleton } from "antd";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { event } from "../i18n/told";
import { useFormat } from "./format";
import { Panel } from "./Panel";
import { ProblemAlert } from "./ProblemAlert";

/** Everything that happened to an order, with the lane in which it stands. */
export function TimelinePanel({ id, stale }: { id: string; stale: boolean }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({
    queryKey: ["order", id, "timeline"],
    queryFn: () => body(api.GET("/api/v1/orders/{id}/timeline", { params: { path: { id } } })),
  });
  return (
    <Panel title={t("order.timeline")} stale={stale}>
      <p className="dim hint">{t("order.timelineHint")}</p>
      {data ? <ol className="timeline">{data.items.map((item) => <Item key={`${item.lane}/${item.position}`} item={item} />)}</ol>
        : error ? <ProblemAlert error={error} onRetry={() => void refetch()} /> : <Skeleton active title={false} paragraph={{ rows: 8 }} />}
    </Panel>
  );
}

function Item({ item }: { item: Schemas["TimelineItem"] }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const [kind, site] = [item.lane.split("/")[0], item.lane.split("/").slice(1).join("/")];
  const lane = kind === "site" ? t("order.ofSite", { site }) : site ? t("order.toSite", { site }) : t("order.hub");
  return (
    <li className={`lane-${kind === "site" ? "site" : "hub"}`}>
      <div className="timeline-meta">
        <time dateTime={item.at}>{format.when(item.at)}</time>
        <span className="lane" title={item.lane}>{lane}</span>
        <span className="dim">{t("order.by", { actor: item.actor })}</span>
      </div>
      <details>
        <summary>{event(i18n.language, item)}</summary>
        <div className="dim">{t("order.raw", { position: item.position, lane: item.lane })} · {item.type}</div>
        <pre tabIndex={0}>{JSON.stringify(item.data, null, 2)}</pre>
      </details>
    </li>
  );
}
