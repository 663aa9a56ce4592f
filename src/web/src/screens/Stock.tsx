import { useInfiniteQuery, useMutation, useQueries, useQuery } from "@tanstack/react-query";
import { Button, Input, Skeleton, Table, type TableColumnsType } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { download } from "../api/files";
import { ProblemError } from "../api/problem";
import { ChangeStock, type PlacedStock } from "../stock/ChangeStock";
import { Ledger } from "../stock/Ledger";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";

/** There is no live topic for stock: the screen asks again. */
const ASK_AGAIN_MS = 5_000;

type Availability = Schemas["AvailabilityItem"];
type SiteRow = Schemas["SiteAvailability"];

/** Stock over all sites; with a SKU in the address, where exactly it lies. */
export function Stock() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const sku = params.get("sku");
  return (
    <>
      <search className="stock-search">
        <Input.Search key={sku} defaultValue={sku ?? ""} aria-label={t("stock.find")} placeholder={t("stock.placeholder")} enterButton={t("search.go")}
          onSearch={(text) => void navigate(text.trim() ? `/stock?sku=${encodeURIComponent(text.trim())}` : "/stock")} />
        {sku && <Link to="/stock">{t("stock.all")}</Link>}
      </search>
      {sku ? <OneSku sku={sku} /> : <AllSkus />}
    </>
  );
}

function AllSkus() {
  const { t } = useTranslation();
  const format = useFormat();
  const list = useInfiniteQuery({
    queryKey: ["availability"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) => body(api.GET("/api/v1/availability", { params: { query: { limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } } })),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: ASK_AGAIN_MS,
  });
  const columns = useMemo<TableColumnsType<Availability>>(() => [
    { title: t("order.sku"), key: "sku", render: (_, a) => <Link to={`/stock?sku=${encodeURIComponent(a.sku)}`}>{a.sku}</Link> },
    { title: t("stock.sites"), key: "sites", responsive: ["md"], className: "clip", render: (_, a) => a.sites.map((s) => s.site).join(", ") },
    { title: t("stock.onHand"), key: "on_hand", align: "right", render: (_, a) => format.number(a.on_hand) },
    { title: t("stock.reserved"), key: "reserved", align: "right", render: (_, a) => format.number(a.reserved) },
    { title: t("stock.available"), key: "available", align: "right", render: (_, a) => <b className={a.available === 0 ? "none-left" : ""}>{format.number(a.available)}</b> },
  ], [t, format]);
  return (
    <Panel title={t("stock.title")} extra={<span className="row-actions"><span className="dim">{t("stock.promised")}</span><AsCsv path="/api/v1/availability?format=csv" name="availability.csv" /></span>} flush>
      {list.error ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : (
        <Table<Availability> rowKey="sku" size="small" pagination={false} columns={columns} dataSource={list.data?.pages.flatMap((p) => p.items) ?? []} loading={list.isPending}
          locale={{ emptyText: list.isPending ? <span /> : <><h3>{t("stock.noneTitle")}</h3><p>{t("stock.noneHint")}</p></> }} />
      )}
      {list.hasNextPage && <div className="panel-foot"><Button size="small" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("orders.more")}</Button></div>}
    </Panel>
  );
}

/** The whole list as a file, however long it is. */
function AsCsv({ path, name, of }: { path: string; name: string; of?: string }) {
  const { t } = useTranslation();
  const csv = useMutation({ mutationFn: () => download(path, name) });
  return <>{csv.error && <ProblemAlert error={csv.error} />}<Button size="small" loading={csv.isPending} onClick={() => csv.mutate()}>{of} {t("filter.tableCsv")}</Button></>;
}

function OneSku({ sku }: { sku: string }) {
  const { t } = useTranslation();
  const availability = useQuery({
    queryKey: ["availability", sku],
    queryFn: async () => (await body(api.GET("/api/v1/availability", { params: { query: { sku: [sku] } } }))).items[0] ?? null,
    refetchInterval: ASK_AGAIN_MS,
  });
  const sites = availability.data?.sites ?? [];
  if (availability.error) return <ProblemAlert error={availability.error} onRetry={() => void availability.refetch()} />;
  return (
    <>
      <ProductHead sku={sku} totals={availability.data} />
      <Panel title={t("stock.bySite")} extra={<span className="dim">{t("stock.grantedHint")}</span>} flush><BySite sites={sites} loading={availability.isPending} /></Panel>
      {sites.length > 0 && <ByBin sku={sku} sites={sites.map((s) => s.site)} />}
      {sites.length > 0 && <Ledger key={sku} sku={sku} sites={sites.map((s) => s.site)} />}
    </>
  );
}

function ProductHead({ sku, totals }: { sku: string; totals: Availability | null | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const product = useQuery({
    queryKey: ["product", sku],
    queryFn: () => body(api.GET("/api/v1/products/{sku}", { params: { path: { sku } } })),
  });
  const unknown = product.error instanceof ProblemError && product.error.problem.status === 404;
  const p = product.data;
  const facts: [string, string | null | undefined][] = [
    [t("stock.name"), p?.name], [t("stock.seller"), p?.seller], [t("stock.category"), p?.category], [t("stock.price"), p?.price ? format.money(p.price) : null],
    [t("stock.onHand"), totals ? format.number(totals.on_hand) : null], [t("stock.reserved"), totals ? format.number(totals.reserved) : null],
    [t("stock.available"), totals ? format.number(totals.available) : null],
  ];
  return (
    <header className="order-head">
      <h1>{t("stock.skuTitle", { sku })}</h1>
      {product.error && (unknown ? <ProblemAlert error={product.error} /> : <ProblemAlert error={product.error} onRetry={() => void product.refetch()} />)}
      <dl className="facts">{facts.map(([name, value]) => value && <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </header>
  );
}

function BySite({ sites, loading }: { sites: SiteRow[]; loading: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = useMemo<TableColumnsType<SiteRow>>(() => [
    { title: t("stock.site"), key: "site", render: (_, s) => <Link to={`/orders?site=${encodeURIComponent(s.site)}`} title={t("stock.orders")}>{s.site}</Link> },
    { title: t("stock.onHand"), key: "on_hand", align: "right", render: (_, s) => format.number(s.on_hand) },
    { title: t("stock.granted"), key: "granted", align: "right", responsive: ["sm"], render: (_, s) => format.number(s.granted) },
    { title: t("stock.promisedUnits"), key: "reserved", align: "right", render: (_, s) => format.number(s.reserved) },
    { title: t("stock.available"), key: "available", align: "right", render: (_, s) => <b>{format.number(s.available)}</b> },
    { title: t("stock.asOf"), key: "as_of", align: "right", responsive: ["sm"], render: (_, s) => format.when(s.as_of) },
  ], [t, format]);
  return <Table<SiteRow> rowKey="site" size="small" pagination={false} columns={columns} dataSource={sites} loading={loading} locale={{ emptyText: loading ? <span /> : t("stock.noneOfSku") }} />;
}

/** Where it lies: up to 200 rows of each site. */
function ByBin({ sku, sites }: { sku: string; sites: string[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const answers = useQueries({
    queries: sites.map((site) => ({
      queryKey: ["stock", site, sku],
      queryFn: () => body(api.GET("/api/v1/sites/{code}/stock", { params: { path: { code: site }, query: { sku, limit: 200 } } })),
      refetchInterval: ASK_AGAIN_MS,
    })),
  });
  const rows: PlacedStock[] = answers.flatMap((a, i) => a.data?.items.map((row) => ({ ...row, site: sites[i]! })) ?? []);
  const failed = answers.find((a) => a.error);
  const columns: TableColumnsType<PlacedStock> = [
    { title: t("stock.site"), key: "site", render: (_, r) => r.site },
    { title: t("stock.bin"), key: "bin", render: (_, r) => <>{r.bin}{!r.pickable && <span className="dim"> · {t("stock.notPickable")}</span>}</> },
    { title: t("stock.lot"), key: "lot", render: (_, r) => r.lot ?? <span className="dim">{t("none")}</span> },
    { title: t("stock.expires"), key: "expires", align: "right", responsive: ["sm"], render: (_, r) => (r.expires_on ? format.date(r.expires_on) : <span className="dim">{t("none")}</span>) },
    { title: t("stock.received"), key: "received", align: "right", responsive: ["lg"], render: (_, r) => format.when(r.received_at) },
    { title: t("stock.onHand"), key: "on_hand", align: "right", render: (_, r) => format.number(r.on_hand) },
    { title: t("stock.reserved"), key: "reserved", align: "right", responsive: ["sm"], render: (_, r) => format.number(r.reserved) },
    { title: t("stock.damaged"), key: "damaged", align: "right", responsive: ["md"], render: (_, r) => format.number(r.damaged) },
    { title: t("stock.blocked"), key: "blocked", align: "right", responsive: ["md"], render: (_, r) => format.number(r.blocked) },
    { title: t("stock.available"), key: "available", align: "right", render: (_, r) => <b>{format.number(r.available)}</b> },
  ];
  return (
    <>
      <Panel title={t("stock.byBin")} extra={<span className="row-actions">{sites.map((site) => <AsCsv key={site} of={site} path={`/api/v1/sites/${encodeURIComponent(site)}/stock?format=csv&sku=${encodeURIComponent(sku)}`} name={`stock-${site}-${sku}.csv`} />)}</span>} flush>
        {failed && <ProblemAlert error={failed.error} onRetry={() => void failed.refetch()} />}
        {answers.every((a) => a.isPending) ? <div className="panel-body"><Skeleton active /></div> : (
          <Table<PlacedStock> rowKey={(r) => `${r.site}~${r.bin}~${r.lot ?? ""}`} size="small" pagination={false} columns={columns} dataSource={rows} locale={{ emptyText: t("stock.noBins") }} />
        )}
      </Panel>
      <ChangeStock rows={rows} />
    </>
  );
}
