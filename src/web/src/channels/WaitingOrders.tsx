import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { ASK_AGAIN_MS } from "./useAction";

/** Orders there that could not be taken: mostly a product or the SKU of an offer is missing here, and they come by themselves once it is there. */
export function WaitingOrders({ account }: { account: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery({
    queryKey: ["channels", account, "waiting"], refetchInterval: ASK_AGAIN_MS,
    queryFn: () => body(api.GET("/api/v1/channels/{account}/waiting-orders", { params: { path: { account }, query: { limit: 200 } } })),
  });
  return (
    <Panel title={t("channels.ordersTitle")} flush>
      {error ? <ProblemAlert error={error} onRetry={() => void refetch()} /> : (
        <table className="plain-table">
          <thead><tr><th scope="col">{t("channels.externalId")}</th><th scope="col">{t("channels.reason")}</th><th scope="col" className="right wide-only">{t("channels.looks")}</th><th scope="col" className="right">{t("channels.again")}</th></tr></thead>
          <tbody>{data?.items.map((o) => (
            <tr key={o.external_id}>
              <td className="long">{o.external_id}<div className="dim small">{format.when(o.first_seen_at)}</div></td><td className="none-left">{o.reason}</td>
              <td className="right wide-only">{format.number(o.looks)}</td><td className="right">{format.when(o.next_at)}</td>
            </tr>
          ))}</tbody>
        </table>
      )}
    </Panel>
  );
}
