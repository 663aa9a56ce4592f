import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Popconfirm } from "antd";
import { useTranslation } from "react-i18next";
import { api, type Schemas } from "../api/client";
import { useFormat } from "../ui/format";
import { ProblemAlert } from "../ui/ProblemAlert";

/** After a restore: what came back from the other side, what nobody has, and the operator's word that the node may go on. */
export function Repair({ site, repair }: { site: string; repair: Schemas["RepairView"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const go = useMutation({
    mutationFn: (exclude: boolean) => api.POST("/api/v1/links/{site}/repair", { params: { path: { site } }, body: { exclude } }),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: ["links"] }), queries.invalidateQueries({ queryKey: ["status"] })]),
  });
  const unapplied = Object.entries(repair.unapplied).map(([type, count]) => `${type} × ${format.number(count)}`).join(", ");
  return (
    <section className="actions-asked repair" aria-label={t("repair.title")}>
      <p><b>{t("repair.title")}: {t(`repair.state.${repair.state}`)}</b></p>
      <p>{t("repair.from", { time: format.when(repair.backup_at), count: repair.taken_back })}</p>
      {repair.lost.map((l) => <p key={`${l.lane}/${l.first}`} className="none-left">{t("repair.lost", { lane: l.lane, first: l.first, last: l.last })}</p>)}
      {unapplied && <p className="none-left">{t("repair.unapplied", { list: unapplied })}</p>}
      {go.error && <ProblemAlert error={go.error} />}
      <div className="actions-row">
        {repair.state === "heard" && (
          <Popconfirm title={t("repair.confirmSure")} okText={t("repair.confirm")} cancelText={t("actions.close")} onConfirm={() => go.mutate(false)}>
            <Button type="primary" loading={go.isPending}>{t("repair.confirm")}</Button>
          </Popconfirm>
        )}
        {repair.state === "waiting" && (
          <Popconfirm title={t("repair.excludeSure", { site })} okText={t("repair.exclude")} cancelText={t("actions.close")} onConfirm={() => go.mutate(true)}>
            <Button danger loading={go.isPending}>{t("repair.exclude")}</Button>
          </Popconfirm>
        )}
      </div>
    </section>
  );
}
