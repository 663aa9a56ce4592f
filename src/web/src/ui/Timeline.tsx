import { useQuery } from "@tanstack/react-query";
import { Skeleton } from "antd";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { at, whole } from "../api/whole";
import { event } from "../i18n/told";
import { CopyButton } from "./CopyButton";
import { useFormat } from "./format";
import { Panel } from "./Panel";
import { ProblemAlert } from "./ProblemAlert";

/** Where nothing happened for longer than this, the timeline says for how long. */
const GAP_MS = 60_000;

/** Everything that happened to an order, with the lane in which it stands. */
export function TimelinePanel({ id, stale }: { id: string; stale: boolean }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({
    queryKey: ["order", id, "timeline"],
    queryFn: () => whole((cursor) => body(api.GET("/api/v1/orders/{id}/timeline", { params: { path: { id }, query: at(cursor) } }))),
  });
  // As traceparent writes it: version, trace, span, flags.
  const trace = data?.find((i) => i.trace)?.trace?.split("-")[1];
  return (
    <Panel title={t("order.timeline")} extra={trace && <Trace id={trace} />} stale={stale}>
      <p className="dim hint">{t("order.timelineHint")}</p>
      {data ? <Items items={data} /> : error ? <ProblemAlert error={error} onRetry={() => void refetch()} /> : <Skeleton active title={false} paragraph={{ rows: 8 }} />}
    </Panel>
  );
}

/** Finds the order in logs and traces. */
function Trace({ id }: { id: string }) {
  const { t } = useTranslation();
  return <span className="trace">{t("order.trace")} <code>{id}</code> <CopyButton text={id} /></span>;
}

function Items({ items }: { items: Schemas["TimelineItem"][] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <ol className="timeline">
      {items.map((item, i) => {
        const gap = i === 0 ? 0 : Date.parse(item.at) - Date.parse(items[i - 1]!.at);
        return (
          <Fragment key={`${item.lane}/${item.position}`}>
            {gap >= GAP_MS && <li className="timeline-gap">{t("order.later", { time: format.duration(gap) })}</li>}
            <Item item={item} />
          </Fragment>
        );
      })}
    </ol>
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
