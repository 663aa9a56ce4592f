import { useQuery } from "@tanstack/react-query";
import { Skeleton } from "antd";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { Background } from "../links/Background";
import { GiveUp } from "../links/GiveUp";
import { Parked } from "../links/Parked";
import { Repair } from "../links/Repair";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";

const ASK_AGAIN_MS = 3_000;
type LinkView = Schemas["LinkView"];

/** How the links to other nodes stand, how this node stands, and what waits for an operator. */
export function Links() {
  const { t } = useTranslation();
  const links = useQuery({ queryKey: ["links"], refetchInterval: ASK_AGAIN_MS, queryFn: () => body(api.GET("/api/v1/links", { params: { query: { limit: 200 } } })) });
  return (
    <>
      <h1 className="sr-only">{t("nav.links")}</h1>
      <Panel title={t("links.title")} stale={links.error !== null && links.data !== undefined} flush>
        {links.error ? <ProblemAlert error={links.error} onRetry={() => void links.refetch()} /> : !links.data ? <div className="panel-body"><Skeleton active title={false} /></div>
          : links.data.items.length === 0 ? <div className="panel-body"><p>{t("links.none")}</p><p className="dim">{t("links.how", { command: "stowline sites join CODE --url HUB" })}</p></div>
            : <ul className="levels">{links.data.items.map((l) => <OneLink key={l.site} link={l} />)}</ul>}
      </Panel>
      <Health />
      <Parked />
    </>
  );
}

function OneLink({ link }: { link: LinkView }) {
  const { t } = useTranslation();
  const format = useFormat();
  const lag = (way: Schemas["LinkDirection"]) => (way.lag_events === 0 && way.lag_seconds === 0 ? t("links.even") : t("links.lag", { events: format.number(way.lag_events), seconds: format.number(way.lag_seconds) }));
  const facts = [
    [t("links.since"), format.when(link.since)], [t("links.contact"), link.last_contact ? format.when(link.last_contact) : t("links.never")],
    [t("links.inLag"), lag(link.in)], [t("links.outLag"), lag(link.out)], [t("links.node"), link.peer ? `${link.peer} ${link.peer_version ?? ""}` : t("none")],
  ] as const;
  const lanes = [...link.in.lanes, ...link.out.lanes];
  return (
    <li data-testid={`link-${link.site}`}>
      <div className="site-head"><b>{link.site}</b> <span className={link.state === "connected" ? "good" : "none-left"}>{t(`attention.link.${link.state}`)}</span></div>
      {link.refused && <p className="none-left">{link.refused}</p>}
      {link.repair && <Repair site={link.site} repair={link.repair} />}
      {link.in.lanes.some((l) => l.lane === `site/${link.site}`) && (link.state === "cut" || link.given_up_at) && <GiveUp key={String(Boolean(link.given_up_at))} site={link.site} givenUp={Boolean(link.given_up_at)} />}
      <dl className="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      <details>
        <summary>{t("links.lanes")}</summary>
        <table className="plain-table">
          <thead><tr><th scope="col">{t("links.lane")}</th><th scope="col" className="right">{t("links.position")}</th><th scope="col" className="right">{t("links.head")}</th></tr></thead>
          <tbody>{lanes.map((l) => <tr key={l.lane}><td>{l.lane}{l.diverged && <div className="none-left">{t("links.diverged")}: {l.diverged}</div>}</td><td className="right">{format.number(l.position)}</td><td className="right">{format.number(l.head)}</td></tr>)}</tbody>
        </table>
      </details>
    </li>
  );
}

function Health() {
  const { t } = useTranslation();
  const status = useQuery({ queryKey: ["status"], refetchInterval: 10_000, queryFn: () => body(api.GET("/api/v1/system/status")) });
  if (status.error) return <Panel title={t("links.health")}><ProblemAlert error={status.error} onRetry={() => void status.refetch()} /></Panel>;
  const now = status.data;
  if (!now) return null;
  return (
    <>
      <Panel title={t("links.health")} extra={<b className={`light light-${now.status}`}>{t(`links.light.${now.status}`)}</b>}>
        <dl className="facts"><div><dt>{t("links.node")}</dt><dd>{now.node} · {now.version} · {now.database}</dd></div></dl>
        <ul>{now.reasons.map((r) => <li key={r.code + r.detail}><span className={`light light-${r.status}`} /> {r.detail}</li>)}</ul>
      </Panel>
      <Background status={now} />
    </>
  );
}
