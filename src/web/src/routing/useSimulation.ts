import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, body, type Schemas } from "../api/client";

/** Nobody wants an answer to every key that is pressed. */
const SETTLED_MS = 400;

/** A value once it has not changed for a moment. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** What would have happened to the last orders under these rules. Asked again a moment after the rules have changed; meanwhile the last answer stays. */
export function useSimulation(rules: Schemas["RuleBody"][], last: number) {
  const asked = JSON.stringify({ rules, last });
  const settled = useSettled(asked, SETTLED_MS);
  const answer = useQuery({
    queryKey: ["routing", "simulate", settled],
    queryFn: ({ signal }) => body(api.POST("/api/v1/routing/simulate", { body: JSON.parse(settled) as Schemas["SimulationBody"], signal })),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  return { ...answer, isBehind: asked !== settled || answer.isFetching };
}
