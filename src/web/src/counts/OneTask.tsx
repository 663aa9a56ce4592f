import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "../api/client";
import { AskText } from "../ui/AskText";
import { useFormat } from "../ui/format";
import { ProblemAlert } from "../ui/ProblemAlert";

type Task = Schemas["StockTask"];
type Line = Schemas["StockTaskLine"];

const COLOR: Record<Task["status"], string> = { pending: "allocated", assigned: "packing", in_progress: "picking", completed: "delivered", cancelled: "cancelled" };
const RESULT: Record<Line["status"], string> = { open: "allocated", matched: "delivered", adjusted: "backorder", recount: "short", removed: "ready", cancelled: "cancelled" };

/** A task with what can be done about it, and its lines with what was found. */
export function OneTask({ task }: { task: Task }) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<"give" | "cancel" | null>(null);
  const action = useMutation({
    mutationFn: (call: () => Promise<unknown>) => call(),
    onSuccess: () => setAsking(null),
    onSettled: () => queries.invalidateQueries({ queryKey: ["stock-tasks"] }),
  });
  const params = { path: { key: task.id } };
  const ask = (what: "give" | "cancel") => {
    action.reset();
    setAsking(asking === what ? null : what);
  };
  const off = task.lines.filter((l) => l.difference !== null && l.difference !== 0).length;
  // What a site with a node of its own is to do is told there; here is a copy.
  const isOurs = !task.as_of;
  const mayGive = isOurs && (task.status === "pending" || task.status === "assigned");
  const mayCancel = isOurs && (mayGive || task.status === "in_progress");
  return (
    <li data-testid={`stock-task-${task.number}`}>
      <div className="site-head">
        <b>{t(`counts.kind.${task.kind}`, { number: task.number })}</b>
        <span className={`tag tag-${COLOR[task.status]}`}>{t(`counts.status.${task.status}`)}</span>
        <span className="dim">{task.site} · {t(`work.cause.${task.cause}`)} · {task.worker ?? t("counts.nobody")} · {t("m.progress", { done: task.done_lines, all: task.total_lines })} · {format.when(task.completed_at ?? task.cancelled_at ?? task.started_at ?? task.created_at)}</span>
        {task.kind === "count" && off > 0 && <b className="none-left">{t("counts.differences", { count: off })}</b>}
        {mayCancel && (
          <span className="row-actions">
            {mayGive && <Button size="small" aria-expanded={asking === "give"} onClick={() => ask("give")}>{t("counts.give")}</Button>}
            <Button size="small" danger aria-expanded={asking === "cancel"} onClick={() => ask("cancel")}>{t("counts.cancel")}</Button>
          </span>
        )}
      </div>
      {task.reason && <p className="long">{task.reason}</p>}
      {task.cancellation_reason && <p className="dim long">{task.cancellation_reason}</p>}
      {task.as_of && <p className="dim">{t("counts.copy", { time: format.when(task.as_of) })}</p>}
      {asking === "give" && <AskText key="give" label={t("counts.to")} action={t("counts.give")} busy={action.isPending} most={64} onClose={() => setAsking(null)}
        onAnswer={(worker) => action.mutate(() => api.POST("/api/v1/stock-tasks/{key}/assign", { params, body: { worker } }))} />}
      {asking === "cancel" && <AskText key="cancel" label={t("counts.why")} action={t("counts.doCancel")} danger busy={action.isPending} most={500} onClose={() => setAsking(null)}
        onAnswer={(reason) => action.mutate(() => api.POST("/api/v1/stock-tasks/{key}/cancel", { params, body: { reason } }))} />}
      {action.error && <ProblemAlert error={action.error} />}
      <details>
        <summary>{t("counts.lines", { count: task.total_lines })}</summary>
        <Lines lines={task.lines} />
      </details>
    </li>
  );
}

function Lines({ lines }: { lines: readonly Line[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const number = (value: number | null) => (value === null ? t("none") : format.number(value));
  return (
    <div className="scroll-x" tabIndex={0} role="group" aria-label={t("counts.linesLabel")}>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t("order.sku")}</th><th scope="col">{t("stock.bin")}</th><th scope="col" className="wide-only">{t("stock.lot")}</th><th scope="col">{t("counts.result")}</th>
            <th scope="col" className="right wide-only">{t("counts.expected")}</th><th scope="col" className="right">{t("change.counted")}</th><th scope="col" className="right">{t("counts.difference")}</th>
          </tr>
        </thead>
        <tbody>{lines.map((l) => (
          <tr key={l.id}>
            <td><Link className="link-strong" to={`/stock?sku=${encodeURIComponent(l.sku)}`}>{l.sku}</Link></td><td>{l.bin}</td><td className="wide-only">{l.lot ?? <span className="dim">{t("none")}</span>}</td>
            <td><span className={`tag tag-${RESULT[l.status]}`}>{t(`counts.line.${l.status}`)}</span>{l.kept !== null && l.kept > 0 && <div className="dim small">{t("counts.kept", { count: l.kept })}</div>}</td>
            <td className="right wide-only">{number(l.expected)}</td><td className="right">{number(l.counted)}</td>
            <td className="right">{l.difference === null ? t("none") : <b className={l.difference === 0 ? undefined : "none-left"}>{format.signed(l.difference)}</b>}</td>
          </tr>
        ))}</tbody>
      </table>
    </div>
  );
}
