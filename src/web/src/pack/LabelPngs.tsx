import { useMutation } from "@tanstack/react-query";
import { Button } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { saveAs } from "../api/files";
import { ProblemAlert } from "../ui/ProblemAlert";
import { labelsOf, pngOf, RESOLUTIONS, type Dpi } from "./png";

/** Each label as a picture, for printers that are no label printers and for whoever wants to send one. The browser draws it: it has the letters of every script. */
export function LabelPngs({ id, sheet }: { id: string; sheet: string }) {
  const { t } = useTranslation();
  const labels = useMemo(() => labelsOf(sheet), [sheet]);
  const png = useMutation({
    mutationFn: async ({ index, dpi }: { index: number; dpi: Dpi }) => saveAs(await pngOf(labels[index]!, dpi), `label-${id}-${index + 1}-${dpi}dpi.png`),
  });
  return (
    <>
      <ul className="pack-pngs">{labels.map((_, index) => (
        <li key={index}>{t("pack.labelNumber", { number: index + 1 })}{" "}
          {RESOLUTIONS.map((dpi) => (
            <Button key={dpi} size="small" loading={png.isPending && png.variables.index === index && png.variables.dpi === dpi} aria-label={t("pack.pngOf", { number: index + 1, dpi })}
              onClick={() => png.mutate({ index, dpi })}>{t("pack.png", { dpi })}</Button>
          ))}
        </li>
      ))}</ul>
      {png.error && <ProblemAlert error={png.error} />}
    </>
  );
}
