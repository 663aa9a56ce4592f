import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Input, InputNumber, Select } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useSites } from "../ui/useSites";

const PRIORITIES: readonly Schemas["Priority"][] = ["low", "normal", "high", "urgent"];

interface Line {
  key: number;
  sku: string;
  quantity: number | null;
}

/** Asks for units of one site to go to another. The node takes all of it or says what is missing. */
export function NewTransfer() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const sites = useSites();
  const [from, setFrom] = useState<string>();
  const [to, setTo] = useState<string>();
  const [lines, setLines] = useState<Line[]>([{ key: 0, sku: "", quantity: null }]);
  const [priority, setPriority] = useState<Schemas["Priority"]>("normal");
  const [reason, setReason] = useState("");
  const send = useMutation({
    mutationFn: () => body(api.POST("/api/v1/transfers", {
      body: { from: from ?? null, to: to ?? null, lines: lines.map(({ sku, quantity }) => ({ sku: sku.trim(), quantity })), priority, reason: reason.trim() || null },
    })),
    onSuccess: () => {
      setLines([{ key: nextKey(lines), sku: "", quantity: null }]);
      setReason("");
      return queries.invalidateQueries({ queryKey: ["transfers"] });
    },
  });
  const change = (key: number, now: Partial<Line>) => setLines((old) => old.map((l) => (l.key === key ? { ...l, ...now } : l)));
  const options = (but: string | undefined) => sites.filter((s) => s.code !== but).map((s) => ({ value: s.code, label: `${s.code} · ${s.name}` }));
  const isWhole = from !== undefined && to !== undefined && lines.every((l) => l.sku.trim() !== "" && l.quantity !== null);
  function enter(e: FormEvent) {
    e.preventDefault();
    if (isWhole) send.mutate();
  }
  if (sites.length < 2) return null;
  return (
    <Panel title={t("transfers.new")} flush>
      <form aria-label={t("transfers.new")} onSubmit={enter}>
        <div className="form">
          <label>{t("transfers.from")}<Select<string> value={from ?? null} onChange={setFrom} popupMatchSelectWidth={false} options={options(to)} /></label>
          <label>{t("transfers.to")}<Select<string> value={to ?? null} onChange={setTo} popupMatchSelectWidth={false} options={options(from)} /></label>
          <label>{t("order.priority")}<Select<Schemas["Priority"]> value={priority} onChange={setPriority} options={PRIORITIES.map((p) => ({ value: p, label: t(`priority.${p}`) }))} /></label>
          <label className="wide">{t("counts.reason")}<Input value={reason} maxLength={200} onChange={(e) => setReason(e.target.value)} /></label>
        </div>
        {lines.map((line) => (
          <div key={line.key} className="form">
            <label className="wide">{t("order.sku")}<Input required value={line.sku} maxLength={64} onChange={(e) => change(line.key, { sku: e.target.value })} /></label>
            <label>{t("change.quantity")}<InputNumber<number> required min={1} max={1_000_000} precision={0} value={line.quantity} onChange={(quantity) => change(line.key, { quantity })} /></label>
            {lines.length > 1 && <Button onClick={() => setLines(lines.filter((l) => l.key !== line.key))}>{t("transfers.dropLine")}</Button>}
          </div>
        ))}
        <div className="form">
          <Button onClick={() => setLines([...lines, { key: nextKey(lines), sku: "", quantity: null }])}>{t("transfers.addLine")}</Button>
          <Button type="primary" htmlType="submit" loading={send.isPending} disabled={!isWhole}>{t("transfers.send")}</Button>
          <span role="status" className="good">{send.data && t("transfers.sent", { number: send.data.number })}</span>
          {send.error && <ProblemAlert error={send.error} />}
        </div>
      </form>
    </Panel>
  );
}

const nextKey = (lines: readonly Line[]) => Math.max(...lines.map((l) => l.key)) + 1;
