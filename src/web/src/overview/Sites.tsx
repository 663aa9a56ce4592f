import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body } from "../api/client";
import { ProblemError } from "../api/problem";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { SiteMap } from "./SiteMap";
import { stateOf, useOverview, type SiteNow } from "./useOverview";

const cooks = (site: SiteNow) => site.type === "kitchen" || site.type === "workshop";

/** Every site: its state, what stands at each stage, and how much of what it can give is promised. */
export function Sites({ stale }: { stale: boolean }) {
  const { t } = useTranslation();
  const { data } = useOverview();
  if (!data || data.sites.length === 0) return null;
  return (
    <Panel title={t("sites.title")} stale={stale} flush>
      <div className="sites">
        <SiteMap sites={data.sites} />
        <ul className="site-list">{data.sites.map((s) => <Site key={s.site} site={s} />)}</ul>
      </div>
    </Panel>
  );
}

function Site({ site }: { site: SiteNow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { work } = site;
  const stages = cooks(site) ? [[t("sites.tickets"), site.tickets]] as const
    : [[t("sites.toPick"), work.to_pick], [t("sites.picking"), work.picking], [t("sites.toPack"), work.to_pack], [t("sites.packing"), work.packing], [t("sites.packed"), work.packed]] as const;
  const path = encodeURIComponent(site.site);
  return (
    <li className={`site site-${stateOf(site)}`} data-testid={`site-${site.site}`}>
      <div className="site-head">
        <b><Link to={`/orders?site=${path}`}>{site.site}</Link></b> <span className="dim">{site.name} · {t(`sites.type.${site.type}`)}</span>
        <span className="site-end"><span className="site-state">{t(`sites.state.${stateOf(site)}`)}</span>
          {cooks(site) ? <Link to={`/kitchen/${path}`}>{t("sites.board")}</Link> : <Link to={`/floor/${path}`}>{t("sites.floor")}</Link>}</span>
      </div>
      <dl className="site-work">
        {stages.map(([name, count]) => <div key={name}><dt>{name}</dt><dd className={count === 0 ? "dim" : ""}>{format.number(count)}</dd></div>)}
        {site.stuck > 0 && <div><dt>{t("sites.stuck")}</dt><dd className="none-left">{format.number(site.stuck)}</dd></div>}
      </dl>
      {cooks(site) ? <Slots site={site.site} /> : <Promised site={site} />}
    </li>
  );
}

function Promised({ site }: { site: SiteNow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const all = site.promised + Math.max(0, site.free);
  if (all === 0) return null;
  return <Gauge part={site.promised / all} label={t("sites.promised")} text={t("sites.promisedOf", { promised: format.number(site.promised), all: format.number(all) })} />;
}

/** What is taken of the slots of today, where the site promises by slots. */
function Slots({ site }: { site: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data } = useQuery({
    queryKey: ["slots", site],
    refetchInterval: 30_000,
    queryFn: async () => {
      try {
        return (await body(api.GET("/api/v1/sites/{code}/slots", { params: { path: { code: site } } }))).items;
      } catch (error) {
        if (error instanceof ProblemError && error.problem.status === 404) return []; // it promises without slots
        throw error;
      }
    },
  });
  const sum = (of: "used" | "capacity") => (data ?? []).reduce((total, slot) => total + Number(slot[of]), 0);
  if (sum("capacity") === 0) return null;
  return <Gauge part={sum("used") / sum("capacity")} label={t("sites.slots")} text={t("sites.slotsOf", { used: format.number(sum("used")), all: format.number(sum("capacity")) })} />;
}

function Gauge({ part, label, text }: { part: number; label: string; text: string }) {
  const percent = Math.round(Math.min(1, part) * 100);
  return (
    <div className="gauge">
      <div className="gauge-bar" role="meter" aria-label={label} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100} aria-valuetext={text}><span style={{ width: `${percent}%` }} /></div>
      <span className="dim">{text}</span>
    </div>
  );
}
