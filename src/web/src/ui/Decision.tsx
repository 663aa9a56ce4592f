import { useQuery } from "@tanstack/react-query";
import { Skeleton } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { problemOf } from "../api/problem";
import type { en } from "../i18n/en";
import { rejection, summary } from "../i18n/told";
import { useFormat } from "./format";
import { Panel } from "./Panel";
import { ProblemAlert } from "./ProblemAlert";

type Strategy = keyof (typeof en)["decision"]["strategy"];

/** Why an order is served from where it is, in words: the rule, the result, each site that was considered, and why not the others. */
export function DecisionPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({
    queryKey: ["order", id, "decision"],
    queryFn: () => body(api.GET("/api/v1/orders/{id}/decision", { params: { path: { id } } })),
  });
  return (
    <Panel title={t("decision.title")}>
      {data ? data.history.map((entry, i) => <Entry key={i} entry={entry} />)
        : problemOf(error).code === "decision_not_found" ? <p className="dim">{t("decision.unknown")}</p>
        : error ? <ProblemAlert error={error} onRetry={() => void refetch()} /> : <Skeleton active title={false} paragraph={{ rows: 4 }} />}
    </Panel>
  );
}

function Entry({ entry }: { entry: Schemas["DecisionEntry"] }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const { decision } = entry;
  const strategy = decision.strategy as Strategy;
  return (
    <article className="decision">
      <h3>{entry.cause === "placed" ? t("decision.placed") : entry.cause} <time className="dim" dateTime={entry.at}>{format.when(entry.at)}</time></h3>
      <dl className="facts facts-rows">
        <div><dt>{t("decision.rule")}</dt><dd>{t(`decision.strategy.${strategy}`, { defaultValue: decision.strategy })}</dd></div>
        <div><dt>{t("decision.result")}</dt><dd><b>{summary(i18n.language, decision.summary)}</b></dd></div>
        {decision.rule !== null && <div><dt>{t("decision.byRule")}</dt><dd><Link to="/routing">{t("decision.ruleVersion", { name: decision.rule, version: decision.rule_version ?? 0 })}</Link></dd></div>}
        {decision.passed_rules && (
          <>
            {decision.rule === null && <div><dt>{t("decision.byRule")}</dt><dd>{t("decision.noRule")}</dd></div>}
            <div><dt>{t("decision.passed")}</dt><dd>{decision.passed_rules.map((p) => `${p.name} (${t(`routing.when.${p.unmet as "skus"}`, { defaultValue: p.unmet })})`).join(", ")}</dd></div>
          </>
        )}
      </dl>
      {decision.candidates.length === 0 ? <p className="dim">{t("decision.none")}</p> : (
        <table className="plain-table">
          <thead><tr><th scope="col">{t("decision.site")}</th><th scope="col" className="right">{t("decision.score")}</th><th scope="col" className="right">{t("decision.free")}</th><th scope="col">{t("decision.verdict")}</th></tr></thead>
          <tbody>{decision.candidates.map((c) => <Candidate key={c.site} candidate={c} strategy={strategy} />)}</tbody>
        </table>
      )}
    </article>
  );
}

function Candidate({ candidate: c, strategy }: { candidate: Schemas["RoutingCandidate"]; strategy: Strategy }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const score = c.score === null ? t("none") : inWords(c.score);
  function inWords(score: number) {
    const rounded = format.number(Math.round(score * 100) / 100);
    switch (strategy) {
      case "nearest": return t("decision.km", { km: format.number(Math.round(score * 10) / 10) });
      case "cheapest": return rounded;
      case "fastest": return t("decision.minutes", { minutes: rounded });
      case "load_balanced": return t("decision.load", { load: rounded });
      default: return t("decision.units", { count: score });
    }
  }
  return (
    <tr className={c.chosen ? "chosen" : undefined}>
      <td>{c.site}</td>
      <td className="right">{score}</td>
      <td className="right">{t("decision.units", { count: c.units_available })}</td>
      <td>{c.chosen ? <b>{t("decision.chosen")}</b> : rejection(i18n.language, c.rejection ?? "")}</td>
    </tr>
  );
}
