import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { MAP_HEIGHT, MAP_WIDTH, project } from "../overview/plane";
import { useFormat } from "../ui/format";
import { useSites } from "../ui/useSites";

const MOST = 26;
const LEAST = 3;

const NOTHING: Schemas["SimulatedShare"] = { orders: 0, units: 0, distance_km: 0, cost: null };

/** Half a disc: the left one is what was, the right one what would be. Its area is the share of the orders. */
function half(x: number, y: number, share: number, side: "before" | "after") {
  const r = share === 0 ? 0 : Math.max(LEAST, MOST * Math.sqrt(share));
  return `M ${x} ${y - r} A ${r} ${r} 0 0 ${side === "before" ? 0 : 1} ${x} ${y + r} Z`;
}

/** The sites by their coordinates, with their share of the orders before and after; the table beside it says the same in numbers. */
export function ShareMap({ sites, orders }: { sites: Schemas["SimulatedSite"][]; orders: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const known = useSites();
  const placed = known.flatMap((s) => {
    const told = sites.find((one) => one.site === s.code) ?? { site: s.code, before: NOTHING, after: NOTHING };
    return s.active && s.latitude !== null && s.longitude !== null ? [{ ...told, latitude: s.latitude, longitude: s.longitude }] : [];
  });
  if (placed.length === 0) return null;
  const share = (told: Schemas["SimulatedShare"]) => (orders === 0 ? 0 : told.orders / orders);
  return (
    <figure className="share-map">
      <svg className="site-map" viewBox={`0 0 ${MAP_WIDTH} ${MAP_HEIGHT}`} role="img" aria-label={t("routing.map")}>
        {project(placed).map(({ site, x, y }) => (
          <g key={site.site}>
            <title>{`${site.site}: ${format.percent(share(site.before))} → ${format.percent(share(site.after))}`}</title>
            <path className="share-before" d={half(x, y, share(site.before), "before")} />
            <path className="share-after" d={half(x, y, share(site.after), "after")} />
            <circle className="share-dot" cx={x} cy={y} r="2" />
            <text x={x} y={y + MOST + 13} textAnchor="middle">{site.site}</text>
          </g>
        ))}
      </svg>
      <figcaption className="dim"><i className="share-key-before" />{t("routing.before")} <i className="share-key-after" />{t("routing.after")}</figcaption>
    </figure>
  );
}
