import { useQuery } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client";

const NONE: Schemas["SiteView"][] = [];

/** The sites, as far as this key may see them; at most 200. */
export function useSites(): Schemas["SiteView"][] {
  const { data } = useQuery({ queryKey: ["sites"], staleTime: 60_000, queryFn: () => body(api.GET("/api/v1/sites", { params: { query: { limit: 200 } } })) });
  return data?.items ?? NONE;
}
