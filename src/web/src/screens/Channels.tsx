import { useQuery } from "@tanstack/react-query";
import { Skeleton } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { Account, AccountState } from "../channels/Account";
import { Offers } from "../channels/Offers";
import { Operations } from "../channels/Operations";
import { ASK_AGAIN_MS } from "../channels/useAction";
import { WaitingOrders } from "../channels/WaitingOrders";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";

/** The accounts at marketplaces and shops, and of one of them (`?account=`) all that an operator may want to see or do. */
export function Channels() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const list = useQuery({ queryKey: ["channels"], refetchInterval: ASK_AGAIN_MS, queryFn: () => body(api.GET("/api/v1/channels")) });
  const accounts = list.data?.items ?? [];
  const asked = params.get("account");
  const chosen = asked === null ? accounts[0] : accounts.find((a) => a.code === asked);
  return (
    <>
      <h1 className="sr-only">{t("nav.channels")}</h1>
      <Panel title={t("channels.title")} stale={list.error !== null && list.data !== undefined} flush>
        {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : !list.data ? <div className="panel-body"><Skeleton active title={false} /></div>
          : accounts.length === 0 ? <div className="panel-body"><p>{t("channels.none")}</p><p className="dim">{t("channels.how", { call: "PUT /api/v1/channels/CODE" })}</p></div>
            : <ul className="levels accounts">{accounts.map((a) => <Line key={a.code} account={a} chosen={a === chosen} />)}</ul>}
      </Panel>
      {asked !== null && list.data && !chosen && <p>{t("channels.unknown", { account: asked })}</p>}
      {chosen && (
        <div key={chosen.code} className="channel">
          <Account account={chosen} />
          {chosen.waiting_orders > 0 && <WaitingOrders account={chosen.code} />}
          <Operations account={chosen} />
          <Offers account={chosen} />
        </div>
      )}
    </>
  );
}

function Line({ account, chosen }: { account: Schemas["ChannelView"]; chosen: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const counts = [
    ["offers", account.offers, false], ["differing", account.offers_differing, false], ["waiting", account.pending_operations, false], ["failed", account.failed_operations, true],
    ["ordersWaiting", account.waiting_orders, true],
  ] as const;
  return (
    <li data-testid={`account-${account.code}`} className={chosen ? "account-chosen" : undefined}>
      <div className="site-head">
        <Link to={`/channels?account=${encodeURIComponent(account.code)}`} aria-current={chosen ? "page" : undefined} className="link-strong">{account.name}</Link>
        <span className="dim">{account.code} · {t(`channels.kind.${account.kind}`)}</span>
        <AccountState account={account} />
      </div>
      <dl className="facts">{counts.map(([name, count, bad]) => <div key={name}><dt>{t(`channels.${name}`)}</dt><dd className={bad && count > 0 ? "none-left" : undefined}>{format.number(count)}</dd></div>)}</dl>
    </li>
  );
}
