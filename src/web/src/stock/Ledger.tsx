import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Button, Segmented, Skeleton } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { download } from "../api/files";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { balances, changeOf, type Movement } from "./balances";

const PAGE = 50;
const LOOKS = 4;

interface LedgerPage {
  items: Movement[];
  next_cursor: string | null;
  /** What the site has of it now; on the first page only. */
  onHand: number;
}

/** The first page together with the stock that it led to: what moves between the two questions makes the page ask again. */
async function firstPage(site: string, sku: string): Promise<LedgerPage> {
  const path = { code: site };
  const movements = () => body(api.GET("/api/v1/sites/{code}/movements", { params: { path, query: { sku, limit: PAGE } } }));
  let page = await movements();
  for (let look = 0; ; look++) {
    const stock = await body(api.GET("/api/v1/sites/{code}/stock", { params: { path, query: { sku, limit: 200 } } }));
    const again = await movements();
    const settled = again.items[0]?.number === page.items[0]?.number;
    page = again;
    if (settled || look === LOOKS) return { ...page, onHand: stock.items.reduce((sum, row) => sum + row.on_hand, 0) };
  }
}

/** Every movement of a SKU at one of its sites, with what was there after it. */
export function Ledger({ sku, sites }: { sku: string; sites: string[] }) {
  const { t } = useTranslation();
  const [chosen, setSite] = useState<string>();
  const site = chosen !== undefined && sites.includes(chosen) ? chosen : sites[0]!;
  const list = useInfiniteQuery({
    queryKey: ["ledger", site, sku],
    initialPageParam: null as string | null,
    refetchInterval: 10_000,
    queryFn: async ({ pageParam }): Promise<LedgerPage> => pageParam === null ? firstPage(site, sku)
      : { ...await body(api.GET("/api/v1/sites/{code}/movements", { params: { path: { code: site }, query: { sku, limit: PAGE, cursor: pageParam } } })), onHand: 0 },
    getNextPageParam: (page) => page.next_cursor,
  });
  const csv = useMutation({ mutationFn: () => download(`/api/v1/sites/${encodeURIComponent(site)}/movements?format=csv&sku=${encodeURIComponent(sku)}`, `movements-${site}-${sku}.csv`) });
  const movements = list.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <Panel title={t("ledger.title")} flush extra={<Button size="small" loading={csv.isPending} onClick={() => csv.mutate()}>{t("filter.tableCsv")}</Button>}>
      <div className="form">
        {sites.length > 1 && <Segmented<string> size="small" aria-label={t("stock.site")} value={site} onChange={setSite} options={sites} />}
        <span className="dim">{t("ledger.hint", { site })}</span>
      </div>
      {csv.error && <ProblemAlert error={csv.error} />}
      {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : list.isPending ? <div className="panel-body"><Skeleton active /></div>
        : movements.length === 0 ? <div className="panel-body">{t("ledger.none")}</div> : <Rows movements={movements} after={balances(list.data.pages[0]!.onHand, movements)} />}
      {list.hasNextPage && <div className="panel-foot"><Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("orders.more")}</Button></div>}
    </Panel>
  );
}

function Rows({ movements, after }: { movements: Movement[]; after: number[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <table className="plain-table ledger">
      <thead>
        <tr>
          <th scope="col">{t("ledger.at")}</th><th scope="col" className="wide-only">{t("ledger.kind")}</th><th scope="col">{t("ledger.way")}</th><th scope="col" className="right">{t("ledger.change")}</th>
          <th scope="col" className="right">{t("ledger.balance")}</th><th scope="col" className="wide-only">{t("ledger.why")}</th><th scope="col" className="wide-only">{t("ledger.who")}</th>
        </tr>
      </thead>
      <tbody>
        {movements.map((m, i) => (
          <tr key={m.number}>
            <td><time dateTime={m.at}>{format.when(m.at)}</time><div className="narrow-only dim">{t(`ledger.kinds.${m.kind}`)}</div></td>
            <td className="wide-only">{t(`ledger.kinds.${m.kind}`)}</td>
            <td><Way movement={m} /></td>
            <td className="right">{changeOf(m) === 0 ? <span className="dim">{format.number(m.quantity)}</span> : <b className={changeOf(m) < 0 ? "none-left" : "good"}>{format.signed(changeOf(m))}</b>}</td>
            <td className="right"><b>{format.number(after[i]!)}</b></td>
            <td className="wide-only">{[m.reason, m.reference, m.lot && `${t("stock.lot")} ${m.lot}`].filter(Boolean).join(" · ")}</td>
            <td className="wide-only">{m.actor}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Way({ movement: m }: { movement: Movement }) {
  const { t } = useTranslation();
  if (m.from_bin === m.to_bin) return <>{m.from_bin} <span className="dim">{t("ledger.inPlace")}</span></>;
  const place = (bin: string | null) => bin ?? <span className="dim">{t("ledger.outside")}</span>;
  return <>{place(m.from_bin)} → {place(m.to_bin)}</>;
}
