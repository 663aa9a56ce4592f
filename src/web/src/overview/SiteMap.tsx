import { useTranslation } from "react-i18next";
import { MAP_HEIGHT, MAP_WIDTH, project } from "./plane";
import { stateOf, type SiteNow } from "./useOverview";

type Placed = SiteNow & { latitude: number; longitude: number };

/** The sites by their coordinates, in the color of their state; the list beside it says the same in words. */
export function SiteMap({ sites }: { sites: SiteNow[] }) {
  const { t } = useTranslation();
  const placed = sites.filter((s): s is Placed => s.latitude !== null && s.longitude !== null);
  if (placed.length === 0) return null;
  return (
    <svg className="site-map" viewBox={`0 0 ${MAP_WIDTH} ${MAP_HEIGHT}`} role="img" aria-label={t("sites.map", { count: placed.length })}>
      {project(placed).map(({ site, x, y }) => (
        <g key={site.site} className={`site-${stateOf(site)}`}>
          <title>{`${site.site} · ${site.name} · ${t(`sites.state.${stateOf(site)}`)}`}</title>
          <circle className="site-halo" cx={x} cy={y} r="13" />
          <circle className="site-dot" cx={x} cy={y} r="6" />
          <text x={x} y={y + 26} textAnchor="middle">{site.site}</text>
        </g>
      ))}
    </svg>
  );
}
