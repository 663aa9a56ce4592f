import { useTranslation } from "react-i18next";
import { stateOf, type SiteNow } from "./useOverview";

const WIDTH = 360;
const HEIGHT = 220;
const EDGE = 34;
/** Sites of one town still stand apart, and one site alone does not fill the world: degrees that are shown at least. */
const LEAST_SPAN = 0.4;

type Placed = SiteNow & { latitude: number; longitude: number };

/** Where each stands on a plane: near enough for a country, and no server of maps is needed. */
function project(sites: Placed[]) {
  const [lats, lons] = [sites.map((s) => s.latitude), sites.map((s) => s.longitude)];
  const middle = (values: number[]) => (Math.min(...values) + Math.max(...values)) / 2;
  const span = (values: number[]) => Math.max(LEAST_SPAN, Math.max(...values) - Math.min(...values));
  const narrow = Math.cos((middle(lats) * Math.PI) / 180);
  const scale = Math.min((WIDTH - 2 * EDGE) / (span(lons) * narrow), (HEIGHT - 2 * EDGE) / span(lats));
  return sites.map((site) => ({
    site, x: WIDTH / 2 + (site.longitude - middle(lons)) * narrow * scale, y: HEIGHT / 2 - (site.latitude - middle(lats)) * scale,
  }));
}

/** The sites by their coordinates, in the color of their state; the list beside it says the same in words. */
export function SiteMap({ sites }: { sites: SiteNow[] }) {
  const { t } = useTranslation();
  const placed = sites.filter((s): s is Placed => s.latitude !== null && s.longitude !== null);
  if (placed.length === 0) return null;
  return (
    <svg className="site-map" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t("sites.map", { count: placed.length })}>
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
