import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { LabelPngs } from "./LabelPngs";

const label = (id: string, format: "zpl" | "svg") => body(api.GET("/api/v1/packing-tasks/{key}/label", { params: { path: { key: id }, query: { format } }, parseAs: "text" }));

/** The labels of a packed order as they come out of the printer: to look at, to print from here, as pictures, or as ZPL for a label printer. */
export function Label({ id }: { id: string }) {
  const { t } = useTranslation();
  const picture = useQuery({ queryKey: ["label", id, "svg"], queryFn: () => label(id, "svg") });
  const zpl = useQuery({ queryKey: ["label", id, "zpl"], queryFn: () => label(id, "zpl") });
  const file = zpl.data && `data:application/zpl;charset=utf-8,${encodeURIComponent(zpl.data)}`;
  return (
    <Panel title={t("pack.label")} extra={
      <span className="row-actions">
        <Button size="small" disabled={!picture.data} onClick={() => window.print()}>{t("pack.print")}</Button>
        {file && <a href={file} download={`label-${id}.zpl`}>{t("pack.download")}</a>}
      </span>
    }>
      {picture.error ? <ProblemAlert error={picture.error} onRetry={() => void picture.refetch()} />
        : picture.data && <img className="label-sheet" alt={t("pack.labelOf")} src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture.data)}`} />}
      {picture.data && <LabelPngs id={id} sheet={picture.data} />}
      {zpl.error && <ProblemAlert error={zpl.error} />}
      {zpl.data && <details><summary>{t("pack.zpl")}</summary><pre className="pack-label" tabIndex={0}>{zpl.data}</pre></details>}
    </Panel>
  );
}
