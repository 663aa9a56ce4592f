import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { useOverview } from "./useOverview";

type Kpi = Schemas["Kpi"];
/** Of these, more is better. */
const UPWARD: readonly Kpi["name"][] = ["stock_accuracy", "bin_use"];

/** The figures of W18, each against what is wanted of it. */
export function Kpis() {
  const { t } = useTranslation();
  const { data } = useOverview();
  if (!data) return null;
  return (
    <Panel title={t("kpi.title")} extra={<span className="dim">{t("kpi.window", { hours: data.hours })}</span>} flush>
      <ul className="kpis">{data.kpis.map((k) => <Figure key={k.name} kpi={k} />)}</ul>
    </Panel>
  );
}

function Figure({ kpi }: { kpi: Kpi }) {
  const { t } = useTranslation();
  const format = useFormat();
  const shown = (value: number) => {
    if (kpi.name === "picking_minutes") return t("kpi.minutes", { count: Math.round(value * 10) / 10 });
    return kpi.name === "sync_seconds" ? t("kpi.seconds", { count: Math.round(value) }) : format.percent(value);
  };
  const met = kpi.value !== null && (UPWARD.includes(kpi.name) ? kpi.value >= kpi.target : kpi.value <= kpi.target);
  return (
    <li data-testid={`kpi-${kpi.name}`}>
      <span className="dim">{t(`kpi.${kpi.name}`)}</span>
      <b className={kpi.value === null ? "dim" : met ? "kpi-met" : "kpi-missed"}>{kpi.value === null ? t("none") : shown(kpi.value)}</b>
      <span className="dim">{kpi.value === null ? t("kpi.nothing") : <>{t("kpi.target", { target: shown(kpi.target) })} · {t(met ? "kpi.met" : "kpi.missed")}</>}</span>
    </li>
  );
}
