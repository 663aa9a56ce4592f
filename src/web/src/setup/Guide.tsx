import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input, InputNumber, Select } from "antd";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { exists, makeBins, makeProduct, makeSite, place, receive, ship, type FirstValues } from "./firstOrder";

const TYPES: readonly Schemas["SiteType"][] = ["warehouse", "storefront", "partner_warehouse", "pickup_point"];
const FIRST: FirstValues = { site: "WH1", siteName: "Warehouse 1", city: "Belgrade", type: "warehouse", sku: "MUG", product: "Mug", price: "7.50", currency: "EUR", units: 100 };

/** What of the first five steps is there: the node is asked, so that the guide goes on where somebody stopped. */
async function whatIsThere({ site, sku }: FirstValues) {
  const code = { params: { path: { code: site } } };
  const hasSite = await exists(() => api.GET("/api/v1/sites/{code}", code));
  const hasProduct = await exists(() => api.GET("/api/v1/products/{sku}", { params: { path: { sku } } }));
  if (!hasSite) return { site: false, bins: false, products: hasProduct, stock: false };
  const bins = await body(api.GET("/api/v1/sites/{code}/bins", { params: { ...code.params, query: { limit: 3, type: "shelf" } } }));
  const stock = hasProduct ? await body(api.GET("/api/v1/availability", { params: { query: { sku: [sku] } } })) : null;
  return { site: true, bins: bins.items.length > 0, products: hasProduct, stock: (stock?.items[0]?.sites.find((s) => s.site === site)?.available ?? 0) > 0 };
}

/** A newcomer's way to a shipped order: every step is one button, with values that may be changed. */
export function Guide() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [values, setValues] = useState(FIRST);
  const there = useQuery({ queryKey: ["setup", values.site, values.sku], queryFn: () => whatIsThere(values), placeholderData: (before) => before });
  const [order, setOrder] = useState<Schemas["OrderView"] | null>(null);
  const [shipped, setShipped] = useState(false);
  const step = useMutation({
    mutationFn: (run: () => Promise<unknown>) => run(),
    onSettled: () => Promise.all([["setup"], ["sites"]].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
  if (!there.data) return there.error ? <ProblemAlert error={there.error} onRetry={() => void there.refetch()} /> : null;
  const done = { ...there.data, order: order !== null, ship: shipped };
  const names = ["site", "bins", "products", "stock", "order", "ship"] as const;
  const next = names.find((name) => !done[name]);
  const set = <K extends keyof FirstValues>(field: K) => (value: FirstValues[K]) => setValues({ ...values, [field]: value });
  const text = (field: "site" | "siteName" | "city" | "sku" | "product" | "price" | "currency", label: string) => (
    <label>{label}<Input value={values[field]} maxLength={64} onChange={(e) => set(field)(e.target.value)} /></label>
  );
  const does = (label: string, run: () => Promise<unknown>) => <Button type="primary" loading={step.isPending} onClick={() => step.mutate(run)}>{label}</Button>;
  const forms: Record<(typeof names)[number], ReactNode> = {
    site: <>{text("site", t("setup.siteCode"))}{text("siteName", t("setup.siteName"))}{text("city", t("setup.city"))}
      <label>{t("setup.type")}<Select value={values.type} onChange={set("type")} options={TYPES.map((type) => ({ value: type, label: t(`sites.type.${type}`) }))} /></label>
      {does(t("setup.makeSite"), () => makeSite(values))}</>,
    bins: <>{does(t("setup.makeBins"), () => makeBins(values))} <Link to={`/floor/${encodeURIComponent(values.site)}`}>{t("bulk.title")}</Link></>,
    products: <>{text("sku", t("setup.skuLabel"))}{text("product", t("setup.productName"))}{text("price", t("setup.price"))}{text("currency", t("setup.currency"))}{does(t("setup.makeProduct"), () => makeProduct(values))}</>,
    stock: <><label>{t("setup.units")}<InputNumber<number> min={1} precision={0} value={values.units} onChange={(n) => set("units")(n ?? 1)} /></label>{does(t("setup.receive"), () => receive(values))}</>,
    order: does(t("setup.place"), async () => setOrder(await place(values))),
    ship: <>{does(t("setup.shipNow"), async () => { await ship(order!.id); setShipped(true); })} <span className="dim"><a href="/m">{t("setup.handheld")}</a>, <Link to="/pack">{t("setup.station")}</Link></span></>,
  };
  return (
    <Panel title={t("setup.guide")} flush>
      <p className="dim setup-hint">{t("setup.guideHint")}</p>
      <ol className="setup">
        {names.map((name, i) => (
          <li key={name} className={done[name] ? "setup-done" : name === next ? "setup-now" : ""} aria-current={name === next ? "step" : undefined}>
            <h3>{i + 1}. {t(`setup.step.${name}`)} {done[name] && <span className="good">✓ {t("setup.done")}</span>}</h3>
            {name === next && <div className="form">{forms[name]}</div>}
            {name === next && step.error && <ProblemAlert error={step.error} />}
          </li>
        ))}
      </ol>
      <div role="status" className="setup-end">
        {order && <p>{shipped ? t("setup.shipped", { number: order.number }) : t("setup.placed", { number: order.number, site: order.parts[0]?.site ?? t("none") })} <Link to={`/orders/${order.id}`}>{t("setup.see")}</Link></p>}
      </div>
    </Panel>
  );
}
