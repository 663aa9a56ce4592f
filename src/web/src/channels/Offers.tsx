import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Segmented, Table, type TableColumnsType } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { ASK_AGAIN_MS } from "./useAction";

type Offer = Schemas["OfferView"];
const LISTS = ["differs", "shown", "all"] as const;
type Which = (typeof LISTS)[number];

/** Our quantity of each offer beside the one that the marketplace last confirmed and last showed. What differs comes first, as long as something does. */
export function Offers({ account }: { account: Schemas["ChannelView"] }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Which | null>(null);
  const which = asked ?? (account.offers_differing > 0 ? "differs" : "all");
  const list = useInfiniteQuery({
    queryKey: ["channels", account.code, "offers", which],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) => {
      const path = { account: account.code };
      const page = { limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) };
      return which === "shown" ? body(api.GET("/api/v1/channels/{account}/discrepancies", { params: { path, query: page } }))
        : body(api.GET("/api/v1/channels/{account}/offers", { params: { path, query: { ...page, ...(which === "differs" ? { differs: "true" } : {}) } } }));
    },
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ASK_AGAIN_MS,
  });
  const columns = useColumns();
  return (
    <Panel title={t("channels.offersTitle")} flush>
      <div className="choice">
        <Segmented<Which> aria-label={t("channels.offersTitle")} name="offers" value={which} onChange={setAsked} options={LISTS.map((l) => ({ value: l, label: t(`channels.which.${l}`) }))} />
      </div>
      {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : (
        <Table<Offer> rowKey="offer" size="small" pagination={false} columns={columns} dataSource={list.data?.pages.flatMap((p) => p.items) ?? []} loading={list.isPending}
          locale={{ emptyText: list.isPending ? <span /> : <p>{t(`channels.noOffers.${which}`)}</p> }} />
      )}
      {list.hasNextPage && <div className="panel-foot"><Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("orders.more")}</Button></div>}
    </Panel>
  );
}

function useColumns() {
  const { t } = useTranslation();
  const format = useFormat();
  return useMemo<TableColumnsType<Offer>>(() => {
    const quantity = (value: number | null, at: string | null, differs: boolean) => value === null ? <span className="dim">{t("none")}</span>
      : <><b className={differs ? "none-left" : undefined}>{format.number(value)}</b>{at && <div className="dim small">{format.when(at)}</div>}</>;
    return [
      { title: t("channels.offer"), key: "offer", render: (_, o) => <><span className="long">{o.offer}</span>{o.differs_since && <div className="none-left small">{t("channels.differsSince", { time: format.when(o.differs_since) })}</div>}</> },
      { title: t("order.sku"), key: "sku", render: (_, o) => <Link to={`/stock?sku=${encodeURIComponent(o.sku)}`} className="long">{o.sku}</Link> },
      { title: t("channels.wanted"), key: "wanted", align: "right", render: (_, o) => quantity(o.wanted, o.wanted_at, false) },
      { title: t("channels.acknowledged"), key: "acknowledged", align: "right", render: (_, o) => quantity(o.acknowledged, o.acknowledged_at, o.acknowledged !== o.wanted) },
      { title: t("channels.seen"), key: "seen", align: "right", render: (_, o) => quantity(o.seen, o.seen_at, o.differs_since !== null) },
    ];
  }, [t, format]);
}
