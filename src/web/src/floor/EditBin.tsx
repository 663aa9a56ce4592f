import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Checkbox, Input, InputNumber, Select } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { ProblemAlert } from "../ui/ProblemAlert";

const TYPES: readonly Schemas["BinType"][] = ["bin", "shelf", "pallet", "floor"];
const NUMBERS = ["x_m", "y_m", "width_mm", "depth_mm", "height_mm", "max_weight_g"] as const;

/** Everything about one bin but its code and its lock. A number that is taken out is not known any more; a bin without a position is not drawn. */
export function EditBin({ bin, site, onClose }: { bin: Schemas["BinView"]; site: string; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [next, setNext] = useState(bin);
  const zones = useQuery({ queryKey: ["zones", site], queryFn: () => body(api.GET("/api/v1/sites/{code}/zones", { params: { path: { code: site }, query: { limit: 200 } } })) });
  const save = useMutation({
    mutationFn: () => {
      const { zone, type, aisle, position, level, x_m, y_m, width_mm, height_mm, depth_mm, max_weight_g, available } = next;
      return api.PUT("/api/v1/sites/{code}/bins/{bin}", {
        params: { path: { code: site, bin: bin.bin } },
        body: { zone, type, aisle, position, level, x_m, y_m, width_mm, height_mm, depth_mm, max_weight_g, available, barcode: next.barcode?.trim() || null },
      });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["floor", site] });
      onClose();
    },
  });
  function enter(e: FormEvent) {
    e.preventDefault();
    save.mutate();
  }
  const codes = new Set([...(zones.data?.items.map((z) => z.zone) ?? []), bin.zone]);
  return (
    <form className="form edit-bin" onSubmit={enter} aria-label={t("floor.editOf", { bin: bin.bin })}>
      <label>{t("bulk.zone")}<Select value={next.zone} onChange={(zone) => setNext({ ...next, zone })} options={[...codes].map((code) => ({ value: code, label: code }))} /></label>
      <label>{t("floor.type")}<Select value={next.type} onChange={(type) => setNext({ ...next, type })} options={TYPES.map((type) => ({ value: type, label: t(`floor.types.${type}`) }))} /></label>
      {NUMBERS.map((field) => <label key={field}>{t(`floor.measure.${field}`)}<InputNumber<number> value={next[field]} min={field === "x_m" || field === "y_m" ? -10_000 : 1} max={100_000_000} onChange={(value) => setNext({ ...next, [field]: value })} /></label>)}
      <label>{t("floor.barcode")}<Input value={next.barcode ?? ""} maxLength={64} onChange={(e) => setNext({ ...next, barcode: e.target.value })} /></label>
      <Checkbox checked={next.available} onChange={(e) => setNext({ ...next, available: e.target.checked })}>{t("floor.available")}</Checkbox>
      <Button type="primary" htmlType="submit" loading={save.isPending}>{t("floor.save")}</Button>
      <Button onClick={onClose}>{t("actions.close")}</Button>
      {(zones.error ?? save.error) && <ProblemAlert error={zones.error ?? save.error} />}
    </form>
  );
}
