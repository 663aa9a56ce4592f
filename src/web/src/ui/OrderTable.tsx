import { Table, type TableColumnsType } from "antd";
import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { OrderRow } from "../live/ordersNow";
import { useFormat } from "./format";
import { StatusTag } from "./StatusTag";

const WIDE: ["md"] = ["md"];

/** Orders as rows; on a narrow screen only what tells them apart. */
export function OrderTable({ orders, loading, empty }: { orders: readonly OrderRow[]; loading?: boolean; empty?: ReactNode }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = useMemo<TableColumnsType<OrderRow>>(() => [
    { title: t("order.number"), key: "number", className: "nowrap", render: (_, o) => <Link to={`/orders/${o.id}`} className="number">{o.number}</Link> },
    { title: t("order.external"), key: "external", className: "clip", render: (_, o) => <span title={`${o.channel}:${o.external_id}`}><span className="dim wide-only">{o.channel}:</span>{o.external_id}</span> },
    {
      title: t("order.status"), key: "status",
      render: (_, o) => <><StatusTag status={o.status} />{o.on_hold && <span className="tag tag-hold">{t("order.onHold")}</span>}</>,
    },
    { title: t("order.priority"), key: "priority", responsive: ["lg"], render: (_, o) => (o.priority === "normal" ? <span className="dim">{t(`priority.${o.priority}`)}</span> : t(`priority.${o.priority}`)) },
    { title: t("order.sites"), key: "sites", responsive: WIDE, className: "clip", render: (_, o) => sitesOf(o) || <span className="dim">{t("none")}</span> },
    { title: t("order.total"), key: "total", align: "right", responsive: WIDE, className: "nowrap", render: (_, o) => format.money(o.total) },
    { title: t("order.placed"), key: "placed", align: "right", className: "nowrap", render: (_, o) => <time dateTime={o.placed_at}>{format.when(o.placed_at)}</time> },
  ], [t, format]);
  return <Table<OrderRow> rowKey="id" size="small" pagination={false} columns={columns} dataSource={orders} loading={loading ?? false} locale={{ emptyText: empty }} />;
}

const sitesOf = (order: OrderRow) => [...new Set(order.parts.flatMap((p) => (p.site ? [p.site] : [])))].join(", ");
