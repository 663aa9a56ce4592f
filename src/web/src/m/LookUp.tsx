import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { problemOf, ProblemError, type Problem } from "../api/problem";
import type { Scan } from "../gs1/gs1";
import { useFormat } from "../ui/format";
import { findProduct, readKept } from "./reads";
import { feedback, ScanField } from "./scan";

interface Found {
  title: string;
  rows: Schemas["StockView"][];
  at: string;
}

const asked = (problem: unknown) => problem instanceof ProblemError && (problem.problem.status === 404 || problem.problem.status === 400);

/** What is in a bin, or where a product lies, at this site. */
export function LookUp({ site }: { site: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [found, setFound] = useState<Found | null>();
  const [problem, setProblem] = useState<Problem>();

  async function look(scan: Scan): Promise<Found | null> {
    const stock = (query: { bin: string } | { sku: string }) => body(api.GET("/api/v1/sites/{code}/stock", { params: { path: { code: site }, query: { ...query, limit: 100 } } }));
    const bin = await readKept(`bin/${site}/${scan.text}`, async () => {
      await body(api.GET("/api/v1/sites/{code}/bins/{bin}", { params: { path: { code: site, bin: scan.text } } }));
      return (await stock({ bin: scan.text })).items;
    }).catch((error: unknown) => {
      if (asked(error)) return undefined;
      throw error;
    });
    if (bin) return { title: t("m.inBin", { bin: scan.text }), rows: bin.value, at: bin.at };
    const product = await findProduct(scan);
    if (!product) return null;
    const rows = await readKept(`stock/${site}/${product.sku}`, async () => (await stock({ sku: product.sku })).items);
    return rows ? { title: `${product.name} · ${product.sku}`, rows: rows.value, at: rows.at } : null;
  }

  async function scanned(scan: Scan) {
    setProblem(undefined);
    try {
      const answer = await look(scan);
      setFound(answer);
      feedback(answer !== null);
    } catch (error) {
      setProblem(problemOf(error));
      feedback(false);
    }
  }

  return (
    <>
      <h2>{t("m.tab.look")}</h2>
      <ScanField label={t("m.scanAny")} onScan={(scan) => void scanned(scan)} />
      {problem && <p className="m-alert" role="alert">{problem.title}: {problem.detail}</p>}
      {found === null && <p role="status">{t("m.nothing")}</p>}
      {found && (
        <section>
          <h3>{found.title}</h3>
          <p className="dim">{t("m.asOf", { time: format.time(found.at) })}</p>
          {found.rows.length === 0 ? <p>{t("m.empty")}</p> : (
            <table className="m-table">
              <thead><tr><th scope="col">{t("m.bin")}</th><th scope="col">{t("order.sku")}</th><th scope="col">{t("stock.onHand")}</th><th scope="col">{t("stock.available")}</th></tr></thead>
              <tbody>{found.rows.map((r) => <tr key={`${r.bin} ${r.sku} ${r.lot ?? ""}`}><td>{r.bin}</td><td>{r.sku}{r.lot && <div className="dim">{r.lot}{r.expires_on && <> · {format.date(r.expires_on)}</>}</div>}</td><td>{format.number(r.on_hand)}</td><td><b>{format.number(r.available)}</b></td></tr>)}</tbody>
            </table>
          )}
        </section>
      )}
    </>
  );
}
