import type { Schemas } from "../api/client";

export type Rule = Schemas["RuleView"];
export type Conditions = Schemas["RuleConditions"];
export type Params = Schemas["StrategyParams"];
export type Strategy = Schemas["RoutingStrategy"];

/** A rule that is being written. `saved`: the name under which the node has it, null while it has none. */
export interface Draft {
  saved: string | null;
  name: string;
  priority: number;
  active: boolean;
  strategy: Strategy;
  conditions: Conditions;
  params: Params;
}

/** What the simulator knows a rule by that has no name yet. */
export const UNNAMED = "(new)";

export const emptyDraft: Draft = { saved: null, name: "", priority: 0, active: true, strategy: "nearest", conditions: {}, params: {} };

export const draftOf = (rule: Rule): Draft => ({
  saved: rule.name, name: rule.name, priority: rule.priority, active: rule.active, strategy: rule.strategy, conditions: said(rule.conditions), params: said(rule.strategy_params),
});

/** Without what is not said: empty lists and texts would be refused, and rightly. */
export function said<T extends object>(given: T): T {
  const kept = Object.entries(given).filter(([, v]) => v !== null && v !== undefined && v !== "" && !(typeof v === "object" && Object.keys(said(v as object)).length === 0));
  return Object.fromEntries(kept.map(([k, v]) => [k, typeof v === "object" && !Array.isArray(v) ? said(v as object) : (v as unknown)])) as T;
}

export function bodyOf(draft: Draft): Schemas["RuleBody"] {
  return { priority: draft.priority, active: draft.active, strategy: draft.strategy, conditions: said(draft.conditions), strategy_params: said(paramsFor(draft.strategy, draft.params)) };
}

/** What another strategy would compare by is left out: it would be kept, and nobody would see it. */
function paramsFor(strategy: Strategy, p: Params): Params {
  const { cost_per_km, handling_cost, site_costs, lead_minutes, minutes_per_km, site_weights, ...limits } = p;
  switch (strategy) {
    case "cheapest": return { ...limits, cost_per_km, handling_cost, site_costs };
    case "fastest": return { ...limits, lead_minutes, minutes_per_km };
    case "load_balanced": return { ...limits, site_weights };
    case "nearest": case "most_stock": return limits;
  }
}

/** The set of rules as it would be with the draft saved. */
export function setWith(rules: readonly Rule[], draft: Draft | null): Schemas["RuleBody"][] {
  const others = rules.filter((r) => r.name !== draft?.saved).map((r) => ({ name: r.name, ...bodyOf(draftOf(r)) }));
  if (draft === null) return others;
  const name = draft.name.trim() || UNNAMED;
  return [...others.filter((r) => r.name !== name), { ...bodyOf(draft), name }];
}

type Told = Schemas["SimulatedRoute"];

/** Where an order goes, in a few letters: `WH1 2 + SHOP 1`. */
export const routeText = (route: Told) => route.parts.map((p) => (route.parts.length > 1 ? `${p.site} ${p.units}` : p.site)).join(" + ");
