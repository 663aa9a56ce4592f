import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input, InputNumber, Segmented, Select } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useSites } from "../ui/useSites";

const WHATS = ["bins", "zone", "sku"] as const;
type What = (typeof WHATS)[number];

/** Sends somebody to count at a site, and says how that site counts by itself. */
export function AtSite() {
  const { t } = useTranslation();
  const sites = useSites();
  const [chosen, setChosen] = useState<string>();
  const site = chosen ?? sites.find((s) => s.type === "warehouse" && s.active)?.code ?? sites[0]?.code;
  if (!site) return null;
  return (
    <Panel title={t("counts.atSite")} flush>
      <div className="form">
        <label>{t("stock.site")}<Select value={site} onChange={setChosen} popupMatchSelectWidth={false} options={sites.map((s) => ({ value: s.code, label: `${s.code} · ${s.name}` }))} /></label>
      </div>
      <AskForCount key={`ask/${site}`} site={site} />
      <Plan key={`plan/${site}`} site={site} />
    </Panel>
  );
}

function AskForCount({ site }: { site: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [what, setWhat] = useState<What>("zone");
  const [where, setWhere] = useState("");
  const [reason, setReason] = useState("");
  const ask = useMutation({
    mutationFn: () => body(api.POST("/api/v1/sites/{code}/stock-tasks", {
      params: { path: { code: site } },
      body: { ...(what === "bins" ? { bins: where.split(/[\s,;]+/).filter((b) => b !== "") } : { [what]: where.trim() }), ...(reason.trim() ? { reason: reason.trim() } : {}) },
    })),
    onSuccess: () => {
      setWhere("");
      return queries.invalidateQueries({ queryKey: ["stock-tasks"] });
    },
  });
  function enter(e: FormEvent) {
    e.preventDefault();
    ask.mutate();
  }
  return (
    <form className="form" aria-label={t("counts.ask")} onSubmit={enter}>
      <Segmented<What> aria-label={t("counts.what")} name="what-to-count" value={what} onChange={setWhat} options={WHATS.map((w) => ({ value: w, label: t(`counts.by.${w}`) }))} />
      <label className="wide">{t(`counts.by.${what}`)}<Input required value={where} maxLength={what === "bins" ? 10_000 : 64} placeholder={what === "bins" ? t("counts.binsHint") : ""} onChange={(e) => setWhere(e.target.value)} /></label>
      <label className="wide">{t("counts.reason")}<Input value={reason} maxLength={200} onChange={(e) => setReason(e.target.value)} /></label>
      <Button type="primary" htmlType="submit" loading={ask.isPending} disabled={!where.trim()}>{t("counts.ask")}</Button>
      <span role="status" className="good">{ask.data && t("counts.made", { numbers: ask.data.tasks.map((task) => task.number).join(", ") })}</span>
      {ask.error && <ProblemAlert error={ask.error} />}
    </form>
  );
}

function Plan({ site }: { site: string }) {
  const settings = useQuery({ queryKey: ["count-settings", site], queryFn: () => body(api.GET("/api/v1/sites/{code}/count-settings", { params: { path: { code: site } } })) });
  if (settings.error) return <ProblemAlert error={settings.error} />;
  return settings.data ? <PlanForm now={settings.data} /> : null;
}

function PlanForm({ now }: { now: Schemas["CountSettingsView"] }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [days, setDays] = useState<number | null>(now.every_days);
  const [bins, setBins] = useState<number | null>(now.bins_per_day);
  const [units, setUnits] = useState<number | null>(now.recount_units);
  const [percent, setPercent] = useState<number | null>(now.recount_percent);
  const save = useMutation({
    mutationFn: () => api.PUT("/api/v1/sites/{code}/count-settings", { params: { path: { code: now.site } }, body: { every_days: days, bins_per_day: bins, recount_units: units, recount_percent: percent } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["count-settings", now.site] }),
  });
  return (
    <form className="form" aria-label={t("counts.plan")} onSubmit={(e: FormEvent) => { e.preventDefault(); save.mutate(); }}>
      <label>{t("counts.everyDays")}<InputNumber<number> min={1} max={3650} precision={0} value={days} placeholder={t("counts.noPlan")} onChange={setDays} /></label>
      <label>{t("counts.binsPerDay")}<InputNumber<number> min={1} max={1000} precision={0} value={bins} onChange={setBins} /></label>
      <label>{t("counts.recountUnits")}<InputNumber<number> min={0} max={1_000_000} precision={0} value={units} onChange={setUnits} /></label>
      <label>{t("counts.recountPercent")}<InputNumber<number> min={0} max={100} precision={0} value={percent} onChange={setPercent} /></label>
      <Button htmlType="submit" loading={save.isPending}>{t("counts.savePlan")}</Button>
      {save.isSuccess && <span role="status" className="good">{t("settings.saved")}</span>}
      {save.error && <ProblemAlert error={save.error} />}
    </form>
  );
}
