import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import type { Scan } from "../gs1/gs1";
import { newKey, outbox } from "./outbox";
import { findProduct } from "./reads";
import { feedback, ScanField } from "./scan";
import type { Session } from "./session";

interface Line {
  sku: string;
  name: string;
  quantity: number;
  bin: string;
  lot: string;
  expires: string;
}

/** Takes goods in, one product at a time. The first scan says what, with lot and expiry where the code has them; a later one in which bin. */
export function Receive({ session }: { session: Session }) {
  const { t } = useTranslation();
  const [reference, setReference] = useState("");
  const [line, setLine] = useState<Line>();
  const [told, setTold] = useState<string>();
  const change = (part: Partial<Line>) => setLine((old) => old && { ...old, ...part });

  async function scanned(scan: Scan) {
    setTold(undefined);
    if (line) {
      feedback(true);
      return change({ bin: scan.text });
    }
    const product = await findProduct(scan).catch(() => undefined);
    feedback(product !== undefined);
    if (!product) return setTold(t("m.unknownProduct", { text: scan.text }));
    const units = product.barcodes.find((b) => b.code === scan.text)?.units ?? 1;
    setLine({ sku: product.sku, name: product.name, quantity: scan.count ?? units, bin: "", lot: scan.lot ?? "", expires: scan.expires ?? "" });
  }

  function enter(e: FormEvent) {
    e.preventDefault();
    if (!line || reference.trim() === "") return;
    const { sku, quantity, bin, lot, expires } = line;
    void outbox.add({
      what: "receive", about: `receipt/${newKey()}`, actor: session.worker, path: `/api/v1/sites/${encodeURIComponent(session.site)}/receipts`, values: { sku, quantity, reference },
      body: { reference: reference.trim(), lines: [{ sku, quantity, ...(bin && { bin }), ...(lot && { lot }), ...(expires && { expires_on: expires }) }] },
    });
    setTold(t("m.received", { sku, count: quantity }));
    setLine(undefined);
  }

  return (
    <>
      <h2>{t("m.tab.receive")}</h2>
      {told && <p role="status" className="m-told">{told}</p>}
      <ScanField label={line ? t("m.scanBin") : t("m.scanProduct")} onScan={(scan) => void scanned(scan)} />
      <form className="m-form" onSubmit={enter}>
        <label>{t("m.reference")}<input required value={reference} maxLength={64} onChange={(e) => setReference(e.target.value)} /></label>
        {line && (
          <>
            <p><b>{line.name}</b> {line.sku}</p>
            <label>{t("order.quantity")}<input required type="number" inputMode="numeric" min={1} max={1_000_000} value={line.quantity} onChange={(e) => change({ quantity: Number(e.target.value) })} /></label>
            <label>{t("m.bin")}<input value={line.bin} maxLength={64} onChange={(e) => change({ bin: e.target.value })} /></label>
            <label>{t("m.lot")}<input value={line.lot} maxLength={64} onChange={(e) => change({ lot: e.target.value })} /></label>
            <label>{t("stock.expires")}<input type="date" value={line.expires} onChange={(e) => change({ expires: e.target.value })} /></label>
            <div className="m-row">
              <button type="button" onClick={() => setLine(undefined)}>{t("m.discard")}</button>
              <button type="submit" className="m-primary">{t("m.takeIn")}</button>
            </div>
          </>
        )}
      </form>
    </>
  );
}
