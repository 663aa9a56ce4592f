import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Input, InputNumber, Select } from "antd";
import { useMemo, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { ProblemError } from "../api/problem";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { FloorPlan } from "./FloorPlan";
import { binsOf, countOf, MOST_BINS, type Block } from "./generate";
import { planOf } from "./geometry";

const ZONE_TYPES = ["storage", "picking", "receiving", "packing", "shipping"] as const;
const NONE: ReadonlyMap<string, number> = new Map();
const NUMBERS: readonly (keyof Omit<Block, "zone">)[] = ["aisles", "bays", "levels", "firstAisle", "x", "y", "bayWidth", "aisleWidth"];

async function make(site: string, block: Block, zoneType: Schemas["ZoneType"]) {
  const path = { code: site, zone: block.zone };
  try {
    await api.GET("/api/v1/sites/{code}/zones/{zone}", { params: { path } });
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.status !== 404) throw error;
    await api.PUT("/api/v1/sites/{code}/zones/{zone}", { params: { path }, body: { type: zoneType } });
  }
  return body(api.POST("/api/v1/sites/{code}/bins/bulk", { params: { path: { code: site } }, body: { items: binsOf(block) } }));
}

/** Aisles × bays × levels, seen before they are made. `below` is where free floor begins. */
export function BulkBins({ site, below }: { site: string; below: number }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [block, setBlock] = useState<Block>({ zone: "A", aisles: 4, bays: 10, levels: 3, firstAisle: 1, x: 0, y: Math.ceil(below), bayWidth: 1.2, aisleWidth: 3 });
  const [zoneType, setZoneType] = useState<Schemas["ZoneType"]>("storage");
  const count = countOf(block);
  const fits = count > 0 && count <= MOST_BINS && block.zone.trim() !== "";
  const bins = useMemo(() => (fits ? binsOf(block) : []), [block, fits]);
  const preview = useMemo(() => planOf(bins as unknown as Schemas["BinView"][]), [bins]);
  const making = useMutation({ mutationFn: () => make(site, { ...block, zone: block.zone.trim() }, zoneType), onSuccess: () => queries.invalidateQueries({ queryKey: ["floor", site] }) });
  const labels = { aisles: "bulk.aisles", bays: "bulk.bays", levels: "bulk.levels", firstAisle: "bulk.first", x: "bulk.x", y: "bulk.y", bayWidth: "bulk.bay", aisleWidth: "bulk.aisle" } as const;
  function enter(e: FormEvent) {
    e.preventDefault();
    making.mutate();
  }
  return (
    <Panel title={t("bulk.title")} flush>
      <form className="form" onSubmit={enter}>
        <label>{t("bulk.zone")}<Input value={block.zone} maxLength={20} required onChange={(e) => setBlock({ ...block, zone: e.target.value })} /></label>
        <label>{t("bulk.zoneType")}<Select value={zoneType} onChange={setZoneType} options={ZONE_TYPES.map((type) => ({ value: type, label: t(`bulk.types.${type}`) }))} /></label>
        {NUMBERS.map((field) => (
          <label key={field}>{t(labels[field])}
            <InputNumber<number> value={block[field]} min={field === "x" || field === "y" ? -1000 : field === "bayWidth" || field === "aisleWidth" ? 0.1 : 1} max={1000} required
              onChange={(value) => setBlock({ ...block, [field]: value ?? block[field] })} />
          </label>
        ))}
        <Button type="primary" htmlType="submit" disabled={!fits} loading={making.isPending}>{t("bulk.make")}</Button>
        <span role="status">
          {making.data ? <span className="good">{t("bulk.made", { created: making.data.created, updated: making.data.updated })}</span>
            : fits ? t("bulk.preview", { count, first: bins[0]!.bin, last: bins.at(-1)!.bin }) : t("bulk.tooMany", { count: MOST_BINS })}
        </span>
      </form>
      {making.error && <ProblemAlert error={making.error} />}
      {fits && <div className="floor-preview"><FloorPlan plan={preview} label={t("bulk.title")} colorBy="zone" zones={[block.zone]} units={NONE} picks={NONE} chosen={null} path={[]} onChoose={() => undefined} /></div>}
    </Panel>
  );
}
