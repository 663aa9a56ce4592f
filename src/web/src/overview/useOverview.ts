import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client";
import { useTopic } from "../live/useLive";

const ASK_AGAIN_MS = 10_000;
const ALERTS = ["alerts", "active"];
const OVERVIEW = ["overview"];

export type SiteNow = Schemas["SiteNow"];

/** The state of the sites, short stock and the figures; counted by the node when asked for. */
export const useOverview = () => useQuery({
  queryKey: OVERVIEW,
  queryFn: () => body(api.GET("/api/v1/system/overview")),
  refetchInterval: ASK_AGAIN_MS,
});

/** The links to sites with nodes of their own; the same answer as on the screen of links. */
export const useLinks = () => useQuery({
  queryKey: ["links"],
  queryFn: () => body(api.GET("/api/v1/links", { params: { query: { limit: 200 } } })),
  refetchInterval: ASK_AGAIN_MS,
});

/** The alerts that are open. They are told live, so the page asks again at once when one comes or goes. */
export function useAlerts() {
  const queries = useQueryClient();
  useTopic("alerts", (frames) => {
    if (frames.every((f) => f.type === "snapshot")) return;
    void queries.invalidateQueries({ queryKey: ALERTS });
    void queries.invalidateQueries({ queryKey: OVERVIEW });
  });
  return useQuery({
    queryKey: ALERTS,
    queryFn: () => body(api.GET("/api/v1/alerts", { params: { query: { active: "true", limit: 50 } } })),
    refetchInterval: 30_000,
  });
}

/** What a site looks like from afar. */
export function stateOf(site: SiteNow): "attention" | "busy" | "quiet" | "off" {
  if (!site.active) return "off";
  if (site.stuck > 0 || (site.link !== null && site.link !== "connected")) return "attention";
  const { to_pick, picking, to_pack, packing, packed } = site.work;
  return to_pick + picking + to_pack + packing + packed + site.tickets > 0 ? "busy" : "quiet";
}
