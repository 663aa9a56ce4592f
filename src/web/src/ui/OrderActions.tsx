import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input, Select } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type OrderView, type Schemas } from "../api/client";
import { ProblemAlert } from "./ProblemAlert";

type Question = "hold" | "cancel" | "reroute";
const PRIORITIES: readonly Schemas["Priority"][] = ["low", "normal", "high", "urgent"];
/** Nothing can be changed about these any more. */
const CLOSED: readonly OrderView["status"][] = ["shipped", "delivered", "cancelling", "cancelled"];

/** What can be done about an order that is under way. What asks for a reason asks before it does anything. */
export function OrderActions({ order }: { order: OrderView }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<Question | null>(null);
  const action = useMutation({
    mutationFn: (call: () => Promise<unknown>) => call(),
    onSuccess: () => {
      setAsking(null);
      void queries.invalidateQueries({ queryKey: ["order"] });
    },
  });
  if (CLOSED.includes(order.status)) return null;
  const params = { path: { id: order.id } };
  const ask = (question: Question) => {
    action.reset();
    setAsking(asking === question ? null : question);
  };
  const answer = (reason: string | null, site: string | null) => action.mutate(() => {
    if (asking === "cancel") return api.POST("/api/v1/orders/{id}/cancel", { params, body: { reason } });
    if (asking === "hold") return api.POST("/api/v1/orders/{id}/hold", { params, body: { reason } });
    return api.POST("/api/v1/orders/{id}/reroute", { params, body: { site, reason } });
  });
  return (
    <section className="actions" aria-label={t("actions.title")}>
      <div className="actions-row">
        <label>{t("order.priority")}
          <Select<Schemas["Priority"]> size="small" value={order.priority} disabled={action.isPending} options={PRIORITIES.map((p) => ({ value: p, label: t(`priority.${p}`) }))}
            onChange={(priority) => action.mutate(() => api.POST("/api/v1/orders/{id}/priority", { params, body: { priority } }))} />
        </label>
        {order.on_hold
          ? <Button size="small" loading={action.isPending} onClick={() => action.mutate(() => api.POST("/api/v1/orders/{id}/release", { params, body: {} }))}>{t("actions.release")}</Button>
          : <Button size="small" aria-expanded={asking === "hold"} onClick={() => ask("hold")}>{t("actions.hold")}</Button>}
        <Button size="small" aria-expanded={asking === "reroute"} onClick={() => ask("reroute")}>{t("actions.reroute")}</Button>
        <Button size="small" danger aria-expanded={asking === "cancel"} onClick={() => ask("cancel")}>{t("actions.cancel")}</Button>
      </div>
      {asking && <Asked key={asking} question={asking} order={order} busy={action.isPending} onAnswer={answer} onClose={() => setAsking(null)} />}
      {action.error && <ProblemAlert error={action.error} />}
    </section>
  );
}

interface AskedProps {
  question: Question;
  order: OrderView;
  busy: boolean;
  onAnswer: (reason: string | null, site: string | null) => void;
  onClose: () => void;
}

function Asked({ question, order, busy, onAnswer, onClose }: AskedProps) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const [site, setSite] = useState<string | null>(null);
  function enter(e: FormEvent) {
    e.preventDefault();
    onAnswer(reason.trim() || null, site);
  }
  return (
    <form className="actions-row actions-asked" onSubmit={enter}>
      <label className="actions-reason">{t("actions.reason")}<Input autoFocus value={reason} maxLength={500} onChange={(e) => setReason(e.target.value)} /></label>
      {question === "reroute" && <SiteChoice not={order.parts.flatMap((p) => p.site ?? [])} value={site} onChange={setSite} />}
      <Button htmlType="submit" type="primary" danger={question === "cancel"} loading={busy}>{t(`actions.do.${question}`)}</Button>
      <Button onClick={onClose}>{t("actions.close")}</Button>
    </form>
  );
}

function SiteChoice({ not, value, onChange }: { not: string[]; value: string | null; onChange: (site: string | null) => void }) {
  const { t } = useTranslation();
  const { data } = useQuery({ queryKey: ["sites"], queryFn: () => body(api.GET("/api/v1/sites", { params: { query: { limit: 200 } } })) });
  const sites = data?.items.filter((s) => s.active && !not.includes(s.code)) ?? [];
  return (
    <label>{t("actions.to")}
      <Select<string> value={value ?? ""} onChange={(site) => onChange(site || null)} options={[{ value: "", label: t("actions.anySite") }, ...sites.map((s) => ({ value: s.code, label: `${s.code} · ${s.name}` }))]} />
    </label>
  );
}
