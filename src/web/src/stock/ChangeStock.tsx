import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Input, InputNumber, Segmented, Select } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";

const WAYS = ["move", "count", "adjust"] as const;
type Way = (typeof WAYS)[number];

export type PlacedStock = Schemas["StockView"] & { site: string };

const keyOf = (row: PlacedStock) => `${row.site}~${row.bin}~${row.lot ?? ""}`;

/** Moves, counts and corrects units of one SKU where they lie. A count says what the books said, so that nothing that moved meanwhile is overwritten. */
export function ChangeStock({ rows }: { rows: PlacedStock[] }) {
  const { t } = useTranslation();
  const [way, setWay] = useState<Way | null>(null);
  // What a site with a node of its own has is only copied here.
  const own = rows.filter((r) => !r.as_of && r.bin !== "STAGING");
  if (rows.length === 0) return null;
  return (
    <Panel title={t("change.title")} flush>
      {own.length === 0 ? <p className="panel-body">{t("change.remote")}</p> : (
        <>
          <div className="form"><Segmented<Way | ""> aria-label={t("change.title")} value={way ?? ""} onChange={(w) => setWay(w === "" ? null : w)} options={WAYS.map((w) => ({ value: w, label: t(`change.${w}`) }))} /></div>
          {way && <Change key={way} way={way} rows={own} />}
        </>
      )}
    </Panel>
  );
}

function Change({ way, rows }: { way: Way; rows: PlacedStock[] }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState(keyOf(rows[0]!));
  const [amount, setAmount] = useState<number | null>(null);
  const [toBin, setToBin] = useState("");
  const [reason, setReason] = useState("");
  const row = rows.find((r) => keyOf(r) === chosen) ?? rows[0]!;
  const change = useMutation({
    mutationFn: (count: number) => {
      const params = { path: { code: row.site } };
      const what = { sku: row.sku, lot: row.lot, reason: reason.trim() };
      return way === "move" ? body(api.POST("/api/v1/sites/{code}/moves", { params, body: { ...what, quantity: count, from_bin: row.bin, to_bin: toBin.trim() } }))
        : body(api.POST("/api/v1/sites/{code}/adjustments", { params, body: { ...what, bin: row.bin, reference: null, ...(way === "count" ? { delta: null, expected: row.on_hand, counted: count } : { delta: count, expected: null, counted: null }) } }));
    },
    onSuccess: () => {
      setAmount(null);
      return Promise.all(["stock", "ledger", "availability"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
    },
  });
  function enter(e: FormEvent) {
    e.preventDefault();
    if (amount !== null) change.mutate(amount);
  }
  const limits = way === "move" ? { min: 1, max: row.available } : way === "count" ? { min: 0 } : {};
  const label = way === "move" ? t("change.quantity") : way === "count" ? t("change.counted") : t("change.delta");
  return (
    <form className="form" onSubmit={enter}>
      <label>{way === "move" ? t("change.from") : t("change.where")}
        <Select<string> value={keyOf(row)} onChange={setChosen} popupMatchSelectWidth={false}
          options={rows.map((r) => ({ value: keyOf(r), label: `${r.site} · ${r.bin}${r.lot ? ` · ${r.lot}` : ""} (${way === "move" ? r.available : r.on_hand})` }))} />
      </label>
      {way === "move" && <label>{t("change.to")}<Input value={toBin} required maxLength={64} onChange={(e) => setToBin(e.target.value)} /></label>}
      <label>{label}<InputNumber<number> value={amount} required precision={0} {...limits} onChange={setAmount} /></label>
      <label className="wide">{t("change.reason")}<Input value={reason} required={way !== "move"} maxLength={200} onChange={(e) => setReason(e.target.value)} /></label>
      <Button type="primary" htmlType="submit" loading={change.isPending} disabled={amount === null}>{t(`change.do.${way}`)}</Button>
      {way === "count" && <span className="dim">{t("change.expected", { count: row.on_hand })}</span>}
      <span role="status" className="good">{change.data && t("change.done", { number: change.data.number })}</span>
      {change.error && <ProblemAlert error={change.error} />}
    </form>
  );
}
