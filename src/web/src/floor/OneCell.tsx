import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schemas } from "../api/client";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { EditBin } from "./EditBin";

type Bin = Schemas["BinView"];
/** Every site has these; they stay as they are. */
const BUILT_IN: readonly string[] = ["RECEIVING", "STAGING"];

/** What stands at one place: its bins from the top down, as one sees them. */
export function OneCell({ bins: here, site, stock, picks }: { bins: readonly Bin[]; site: string; stock: readonly Schemas["StockView"][]; picks: ReadonlyMap<string, number> }) {
  const { t } = useTranslation();
  const bins = [...here].sort((a, b) => b.bin.localeCompare(a.bin));
  return (
    <Panel title={t("floor.chosen", { bin: bins.length === 1 ? bins[0]!.bin : `${bins.at(-1)!.bin} – ${bins[0]!.bin}` })} flush>
      <ul className="levels">{bins.map((b) => <Level key={b.bin} bin={b} site={site} rows={stock.filter((r) => r.bin === b.bin)} picks={picks.get(b.bin) ?? 0} />)}</ul>
    </Panel>
  );
}

function Level({ bin, site, rows, picks }: { bin: Bin; site: string; rows: Schemas["StockView"][]; picks: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const [editing, setEditing] = useState(false);
  const params = { path: { code: site, bin: bin.bin } };
  const lock = useMutation({
    mutationFn: async () => void (bin.locked ? await api.POST("/api/v1/sites/{code}/bins/{bin}/unlock", { params }) : await api.POST("/api/v1/sites/{code}/bins/{bin}/lock", { params, body: { reason: reason.trim() } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["floor", site] }),
  });
  return (
    <li>
      <b>{bin.bin}</b> <span className="dim">{bin.zone}{bin.level ? ` · ${t("floor.level", { level: bin.level })}` : ""}</span>
      {bin.locked && <span className="tag tag-short">{t("floor.locked")}{bin.lock_reason ? `: ${bin.lock_reason}` : ""}</span>}
      {picks > 0 && <span className="tag tag-picking">{t("floor.picks", { count: picks })}</span>}
      <div>{rows.length === 0 ? <span className="dim">{t("floor.empty")}</span> : rows.map((r) => (
        <span key={`${r.sku}~${r.lot ?? ""}`} className="level-stock"><span className="number">{format.number(r.on_hand)}</span> × <Link to={`/stock?sku=${encodeURIComponent(r.sku)}`}>{r.sku}</Link>{r.lot && <span className="dim"> {r.lot}</span>}</span>
      ))}</div>
      <form className="actions-row" onSubmit={(e) => { e.preventDefault(); lock.mutate(); }}>
        {!bin.locked && <Input size="small" required aria-label={t("floor.lockReason")} placeholder={t("floor.lockReason")} value={reason} maxLength={200} onChange={(e) => setReason(e.target.value)} />}
        <Button size="small" htmlType="submit" loading={lock.isPending}>{bin.locked ? t("floor.unlock") : t("floor.lock")}</Button>
        {!BUILT_IN.includes(bin.bin) && <Button size="small" aria-expanded={editing} onClick={() => setEditing(!editing)}>{t("floor.edit")}</Button>}
      </form>
      {editing && <EditBin bin={bin} site={site} onClose={() => setEditing(false)} />}
      {lock.error && <ProblemAlert error={lock.error} />}
    </li>
  );
}
