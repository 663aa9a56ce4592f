import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Input, Popconfirm } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/client";
import { ProblemAlert } from "../ui/ProblemAlert";

/** A site that is gone for good: an operator gives it up, with a reason that orders' timelines say, or takes it back when it is there after all. */
export function GiveUp({ site, givenUp }: { site: string; givenUp: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const path = { params: { path: { code: site } } };
  const go = useMutation({
    mutationFn: () => (givenUp ? api.POST("/api/v1/sites/{code}/take-back", { ...path, body: { confirm: true } }) : api.POST("/api/v1/sites/{code}/give-up", { ...path, body: { confirm: true, reason } })),
    onSuccess: () => setReason(""),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: ["links"] }), queries.invalidateQueries({ queryKey: ["status"] })]),
  });
  const label = t(givenUp ? "giveUp.takeBack" : "giveUp.giveUp");
  return (
    <details data-testid={`give-up-${site}`}>
      <summary>{t(givenUp ? "giveUp.isGivenUp" : "giveUp.isGone")}</summary>
      <p>{t(givenUp ? "giveUp.takeBackMeans" : "giveUp.giveUpMeans")}</p>
      {go.error && <ProblemAlert error={go.error} />}
      <div className="actions-row">
        {!givenUp && <Input aria-label={t("giveUp.reason")} placeholder={t("giveUp.reason")} maxLength={500} value={reason} onChange={(e) => setReason(e.target.value)} />}
        <Popconfirm title={t(givenUp ? "giveUp.takeBackSure" : "giveUp.giveUpSure", { site })} okText={label} cancelText={t("actions.close")} onConfirm={() => go.mutate()}>
          <Button danger={!givenUp} loading={go.isPending} disabled={!givenUp && reason.trim() === ""}>{label}</Button>
        </Popconfirm>
      </div>
    </details>
  );
}
