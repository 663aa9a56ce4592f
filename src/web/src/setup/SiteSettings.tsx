import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input, InputNumber, Select } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { at, whole } from "../api/whole";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useSites } from "../ui/useSites";

const MOST_PREFIX = 10;

/** What a site keeps of its stock, and what is printed on its parcels. */
export function SiteSettings() {
  const { t } = useTranslation();
  const sites = useSites();
  const [chosen, setChosen] = useState<string>();
  const site = chosen ?? sites[0]?.code;
  if (!site) return null;
  return (
    <Panel title={t("settings.title")} flush>
      <div className="form">
        <label>{t("stock.site")}<Select value={site} onChange={setChosen} popupMatchSelectWidth={false} options={sites.map((s) => ({ value: s.code, label: `${s.code} · ${s.name}` }))} /></label>
      </div>
      <Policy key={`policy/${site}`} site={site} />
      <Labels key={`labels/${site}`} site={site} />
    </Panel>
  );
}

/** For all SKUs that have no policy of their own. */
function Policy({ site }: { site: string }) {
  const policies = useQuery({
    queryKey: ["policies", site],
    queryFn: () => whole((cursor) => body(api.GET("/api/v1/sites/{code}/policies", { params: { path: { code: site }, query: at(cursor) } }))),
  });
  if (policies.error) return <ProblemAlert error={policies.error} />;
  return policies.data ? <PolicyForm site={site} now={policies.data.find((p) => p.sku === "*")} /> : null;
}

function PolicyForm({ site, now }: { site: string; now: Schemas["PolicyView"] | undefined }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [safety, setSafety] = useState<number | null>(now?.safety_stock ?? null);
  const [share, setShare] = useState<number | null>(now?.local_share_percent ?? null);
  const save = useMutation({
    mutationFn: () => api.PUT("/api/v1/sites/{code}/policies/{sku}", { params: { path: { code: site, sku: "*" } }, body: { safety_stock: safety, local_share_percent: share } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["policies", site] }),
  });
  return (
    <form className="form" aria-label={t("settings.policy")} onSubmit={(e: FormEvent) => { e.preventDefault(); save.mutate(); }}>
      <label>{t("settings.safety")}<InputNumber<number> min={0} max={1_000_000} value={safety} onChange={setSafety} placeholder={now ? "0" : t("settings.byType")} /></label>
      <label>{t("settings.share")}<InputNumber<number> min={0} max={100} value={share} onChange={setShare} placeholder={now ? "0" : t("settings.byType")} /></label>
      <Button htmlType="submit" loading={save.isPending}>{t("settings.savePolicy")}</Button>
      {save.isSuccess && <span role="status" className="good">{t("settings.saved")}</span>}
      {save.error && <ProblemAlert error={save.error} />}
    </form>
  );
}

function Labels({ site }: { site: string }) {
  const labels = useQuery({ queryKey: ["label-settings", site], queryFn: () => body(api.GET("/api/v1/sites/{code}/label-settings", { params: { path: { code: site } } })) });
  if (labels.error) return <ProblemAlert error={labels.error} />;
  return labels.data ? <LabelsForm now={labels.data} /> : null;
}

/** The first digits of an SSCC: extension, company prefix, and what of the rest is this site's. The node only wants to know where the prefix may end. */
const stemOf = (stem: string) => (stem === "" ? { extension: 0, gs1_prefix: null, block: null }
  : { extension: Number(stem[0]), gs1_prefix: stem.slice(1, 1 + MOST_PREFIX), block: stem.slice(1 + MOST_PREFIX) || null });

function LabelsForm({ now }: { now: Schemas["LabelSettingsView"] }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [stem, setStem] = useState(now.sscc_stem ?? "");
  const [sender, setSender] = useState(now.sender.join("\n"));
  const [font, setFont] = useState(now.font ?? "");
  const save = useMutation({
    mutationFn: () => api.PUT("/api/v1/sites/{code}/label-settings", {
      params: { path: { code: now.site } },
      body: { ...stemOf(stem.trim()), sender: sender.split("\n").map((l) => l.trim()).filter((l) => l !== ""), font: font.trim() || null },
    }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["label-settings", now.site] }),
  });
  return (
    <form className="form" aria-label={t("settings.labels")} onSubmit={(e: FormEvent) => { e.preventDefault(); save.mutate(); }}>
      <label>{t("settings.stem")}<Input value={stem} inputMode="numeric" pattern="\d{8,15}" maxLength={15} title={t("settings.stemHint")} onChange={(e) => setStem(e.target.value)} /></label>
      <label className="wide">{t("settings.sender")}<Input.TextArea rows={3} value={sender} maxLength={182} onChange={(e) => setSender(e.target.value)} /></label>
      <label>{t("settings.font")}<Input value={font} maxLength={22} placeholder="E:ARIALUNI.TTF" onChange={(e) => setFont(e.target.value)} /></label>
      <Button htmlType="submit" loading={save.isPending}>{t("settings.saveLabels")}</Button>
      {save.isSuccess && <span role="status" className="good">{t("settings.saved")}</span>}
      {save.error && <ProblemAlert error={save.error} />}
    </form>
  );
}
