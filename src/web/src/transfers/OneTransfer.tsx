import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { at, whole } from "../api/whole";
import { event } from "../i18n/told";
import { AskText } from "../ui/AskText";
import { useFormat } from "../ui/format";
import { ProblemAlert } from "../ui/ProblemAlert";

type Transfer = Schemas["TransferView"];

const COLOR: Record<Transfer["status"], string> = {
  requested: "allocated", picking: "picking", packing: "packing", ready: "ready", in_transit: "shipped", received: "delivered", cancelling: "cancelling", cancelled: "cancelled", short: "short",
};
/** What has not left can be cancelled. */
const MAY_CANCEL: readonly Transfer["status"][] = ["requested", "picking", "packing", "ready"];

/** A transfer with its lines and its story. */
export function OneTransfer({ transfer }: { transfer: Transfer }) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [open, setOpen] = useState(false);
  const cancel = useMutation({
    mutationFn: (reason: string) => api.POST("/api/v1/transfers/{id}/cancel", { params: { path: { id: transfer.id } }, body: { reason } }),
    onSuccess: () => setAsking(false),
    onSettled: () => queries.invalidateQueries({ queryKey: ["transfers"] }),
  });
  const sum = (of: (line: Transfer["lines"][number]) => number) => transfer.lines.reduce((all, line) => all + of(line), 0);
  const [missing, short] = [sum((l) => l.missing), sum((l) => l.short)];
  return (
    <li data-testid={`transfer-${transfer.number}`}>
      <div className="site-head">
        <b>{transfer.number}</b> <b>{transfer.from} → {transfer.to}</b>
        <span className={`tag tag-${COLOR[transfer.status]}`}>{t(`transfers.status.${transfer.status}`)}</span>
        <span className="dim">{t("transfers.units", { count: sum((l) => l.requested) })} · {format.when(transfer.closed_at ?? transfer.shipped_at ?? transfer.requested_at)}
          {transfer.priority !== "normal" && <> · {t(`priority.${transfer.priority}`)}</>}{transfer.carrier && <> · {transfer.carrier} {transfer.tracking_number}</>}</span>
        {short > 0 && <b className="none-left">{t("transfers.shortUnits", { count: short })}</b>}
        {missing !== 0 && <b className="none-left">{missing > 0 ? t("transfers.missingUnits", { count: missing }) : t("transfers.tooMany", { count: -missing })}</b>}
        {MAY_CANCEL.includes(transfer.status) && (
          <span className="row-actions"><Button size="small" danger aria-expanded={asking} onClick={() => setAsking(!asking)}>{t("transfers.cancel")}</Button></span>
        )}
      </div>
      {transfer.reason && <p className="long">{transfer.reason}</p>}
      {asking && <AskText label={t("counts.why")} action={t("transfers.doCancel")} danger busy={cancel.isPending} most={500} onAnswer={cancel.mutate} onClose={() => setAsking(false)} />}
      {cancel.error && <ProblemAlert error={cancel.error} />}
      <details onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>{t("transfers.more")}</summary>
        {open && <><Lines lines={transfer.lines} /><Story id={transfer.id} /></>}
      </details>
    </li>
  );
}

function Lines({ lines }: { lines: Transfer["lines"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = ["requested", "short", "shipped", "received", "in_transit", "missing"] as const;
  return (
    <div className="scroll-x" tabIndex={0} role="group" aria-label={t("transfers.linesLabel")}>
      <table className="plain-table">
        <thead><tr><th scope="col">{t("order.sku")}</th>{columns.map((c) => <th key={c} scope="col" className="right">{t(`transfers.column.${c}`)}</th>)}</tr></thead>
        <tbody>{lines.map((l) => (
          <tr key={l.sku}>
            <td><Link className="link-strong" to={`/stock?sku=${encodeURIComponent(l.sku)}`}>{l.sku}</Link></td>
            {columns.map((c) => <td key={c} className={`right${(c === "missing" || c === "short") && l[c] !== 0 ? " none-left" : ""}`}>{format.number(l[c])}</td>)}
          </tr>
        ))}</tbody>
      </table>
    </div>
  );
}

function Story({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery({
    queryKey: ["transfers", "story", id], refetchInterval: 5_000,
    queryFn: () => whole((cursor) => body(api.GET("/api/v1/transfers/{id}/timeline", { params: { path: { id }, query: at(cursor) } }))),
  });
  if (error) return <ProblemAlert error={error} onRetry={() => void refetch()} />;
  return (
    <ol className="steps">{data?.map((item) => (
      <li key={`${item.lane}/${item.position}`}><time className="dim" dateTime={item.at}>{format.when(item.at)}</time> {event(i18n.language, item)} <span className="dim">· {t("order.by", { actor: item.actor })}</span></li>
    ))}</ol>
  );
}
