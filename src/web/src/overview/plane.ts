export const MAP_WIDTH = 360;
export const MAP_HEIGHT = 220;
const EDGE = 42;
/** Sites of one town still stand apart, and one site alone does not fill the world: degrees that are shown at least. */
const LEAST_SPAN = 0.4;

/** Where each stands on a plane: near enough for a country, and no server of maps is needed. */
export function project<T extends { latitude: number; longitude: number }>(sites: readonly T[]) {
  const [lats, lons] = [sites.map((s) => s.latitude), sites.map((s) => s.longitude)];
  const middle = (values: number[]) => (Math.min(...values) + Math.max(...values)) / 2;
  const span = (values: number[]) => Math.max(LEAST_SPAN, Math.max(...values) - Math.min(...values));
  const narrow = Math.cos((middle(lats) * Math.PI) / 180);
  const scale = Math.min((MAP_WIDTH - 2 * EDGE) / (span(lons) * narrow), (MAP_HEIGHT - 2 * EDGE) / span(lats));
  return sites.map((site) => ({
    site, x: MAP_WIDTH / 2 + (site.longitude - middle(lons)) * narrow * scale, y: MAP_HEIGHT / 2 - (site.latitude - middle(lats)) * scale,
  }));
}
