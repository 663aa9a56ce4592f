import { Button, Input, Select } from "antd";
import { useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { keepCarton, keyOf, usedCartons, type Carton } from "./cartons";

const TYPES: readonly Schemas["PackagingType"][] = ["box", "bag", "envelope", "pallet", "custom"];
const SIZES = ["length_mm", "width_mm", "height_mm"] as const;
type Sizes = Partial<Record<(typeof SIZES)[number], string>>;

/** A package: a carton that this station used before or a new size, and what the scale says. */
export function PackageForm({ onAdd, busy, children }: { onAdd: (form: Schemas["AddPackageBody"]) => void; busy: boolean; children: ReactNode }) {
  const { t } = useTranslation();
  const [cartons, setCartons] = useState(usedCartons);
  const [type, setType] = useState<Schemas["PackagingType"]>("box");
  const [sizes, setSizes] = useState<Sizes>({});
  const [weight, setWeight] = useState("");
  const carton: Carton = { packaging_type: type, length_mm: Number(sizes.length_mm), width_mm: Number(sizes.width_mm), height_mm: Number(sizes.height_mm) };
  function choose(c: Carton) {
    setType(c.packaging_type);
    setSizes({ length_mm: String(c.length_mm), width_mm: String(c.width_mm), height_mm: String(c.height_mm) });
  }
  function enter(e: FormEvent) {
    e.preventDefault();
    keepCarton(carton);
    setCartons(usedCartons());
    onAdd({ ...carton, weight_g: Number(weight) });
    setSizes({});
    setWeight("");
  }
  return (
    <form className="filters pack-form" onSubmit={enter}>
      {cartons.length > 0 && (
        <div className="cartons" role="group" aria-label={t("pack.cartons")}>
          {cartons.map((c) => <Button key={keyOf(c)} aria-pressed={keyOf(c) === keyOf(carton)} type={keyOf(c) === keyOf(carton) ? "primary" : "default"} onClick={() => choose(c)}>{t(`pack.type.${c.packaging_type}`)} {c.length_mm} × {c.width_mm} × {c.height_mm}</Button>)}
        </div>
      )}
      <label>{t("pack.package")}<Select<Schemas["PackagingType"]> value={type} onChange={setType} options={TYPES.map((x) => ({ value: x, label: t(`pack.type.${x}`) }))} /></label>
      {SIZES.map((m) => <label key={m}>{t(`pack.measure.${m}`)}<Input required type="number" min={1} max={10_000_000} value={sizes[m] ?? ""} onChange={(e) => setSizes({ ...sizes, [m]: e.target.value })} /></label>)}
      <label>{t("pack.measure.weight_g")}<Input required type="number" min={1} max={10_000_000} value={weight} onChange={(e) => setWeight(e.target.value)} /></label>
      <Button type="primary" htmlType="submit" loading={busy}>{t("pack.add")}</Button>
      {children}
    </form>
  );
}
