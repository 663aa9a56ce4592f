import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { upload } from "../api/files";
import { problemOf } from "../api/problem";
import type { Schemas } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useSites } from "../ui/useSites";

const KINDS = ["products", "bins", "stock", "orders"] as const;
type Kind = (typeof KINDS)[number];

interface WrongRow {
  line: number;
  field: string;
  message: string;
}

const MOST_SHOWN = 20;
/** What is wrong with the file, where the node says so. */
const wrongRows = (error: Error) => ((problemOf(error) as { rows?: WrongRow[] }).rows ?? []).slice(0, MOST_SHOWN);

/** CSV files: checked first, then brought in. */
export function Imports() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const sites = useSites();
  const [kind, setKind] = useState<Kind>("products");
  const [site, setSite] = useState<string>();
  const [file, setFile] = useState<File | null>(null);
  const ofSite = kind === "bins" || kind === "stock";
  const at = site ?? sites[0]?.code;
  const bring = useMutation({
    mutationFn: (dryRun: boolean) => upload<Schemas["CsvImportResult"]>(`/api/v1/imports/${kind}?dry_run=${dryRun}${ofSite ? `&site=${encodeURIComponent(at ?? "")}` : ""}`, "text/csv", file!),
    onSuccess: (_, dryRun) => (dryRun ? undefined : queries.invalidateQueries()),
  });
  const choose = (next: File | null) => {
    bring.reset();
    setFile(next);
  };
  return (
    <Panel title={t("setup.imports")} flush>
      <p className="dim setup-hint">{t("setup.importsHint")}</p>
      <div className="form">
        <label>{t("setup.what")}<Select<Kind> value={kind} onChange={(k) => { bring.reset(); setKind(k); }} options={KINDS.map((k) => ({ value: k, label: t(`setup.importKind.${k}`) }))} /></label>
        {ofSite && <label>{t("stock.site")}<Select<string> value={at ?? ""} onChange={setSite} options={sites.map((s) => ({ value: s.code, label: s.code }))} /></label>}
        <label className="wide">{t("setup.file")}<input type="file" accept=".csv,text/csv" onChange={(e) => choose(e.target.files?.[0] ?? null)} /></label>
        <Button disabled={!file} loading={bring.isPending} onClick={() => bring.mutate(true)}>{t("setup.check")}</Button>
        <Button type="primary" disabled={!bring.data || !bring.variables} loading={bring.isPending} onClick={() => bring.mutate(false)}>{t("setup.bring")}</Button>
        <span role="status" className="good">{bring.data && t(bring.variables ? "setup.rows" : "setup.brought", { count: bring.data.rows })}</span>
      </div>
      {bring.error && <ProblemAlert error={bring.error} />}
      {bring.error && <ul className="wrong-rows">{wrongRows(bring.error).map((r) => <li key={`${r.line}~${r.field}`}>{t("setup.line", { line: r.line })} <code>{r.field}</code> {r.message}</li>)}</ul>}
    </Panel>
  );
}
