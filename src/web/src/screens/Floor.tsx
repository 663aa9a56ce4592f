import { Segmented, Select, Skeleton } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import type { Schemas } from "../api/client";
import { BulkBins } from "../floor/BulkBins";
import { FloorPlan, zoneColor, type ColorBy } from "../floor/FloorPlan";
import { planOf, stopsOf } from "../floor/geometry";
import { OneCell } from "../floor/OneCell";
import { MOST_DRAWN, picksPerBin, unitsPerBin, useFloor } from "../floor/useFloor";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useSites } from "../ui/useSites";

const WAYS: readonly ColorBy[] = ["zone", "fill", "heat"];

/** A site from above, drawn to scale from its bins; where goods lie, where work waits, and the way of a picker. */
export function Floor() {
  const { site = "" } = useParams();
  return <FloorOf key={site} site={site} />;
}

function FloorOf({ site }: { site: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const sites = useSites();
  const { bins, stock, tasks } = useFloor(site);
  const [colorBy, setColorBy] = useState<ColorBy>("zone");
  const [bin, setBin] = useState<string | null>(null);
  const [taskId, setTask] = useState<string | null>(null);
  const plan = useMemo(() => planOf(bins.data ?? []), [bins.data]);
  const units = useMemo(() => unitsPerBin(stock.data), [stock.data]);
  const picks = useMemo(() => picksPerBin(tasks.data), [tasks.data]);
  const zones = useMemo(() => [...new Set(plan.cells.map((c) => c.zone))].sort(), [plan]);
  const task = tasks.data?.find((one) => one.id === taskId) ?? null;
  const chosen = plan.cells.find((c) => c.bins.some((b) => b.bin === bin)) ?? null;
  const unplaced = plan.unplaced.find((b) => b.bin === bin);
  const shown = chosen?.bins ?? (unplaced ? [unplaced] : []);
  const codes = new Set([...sites.map((s) => s.code), site]);
  const failed = bins.error ?? stock.error ?? tasks.error;
  return (
    <>
      <div className="floor-head">
        <h1>{t("floor.title", { site })}</h1>
        <Select<string> showSearch aria-label={t("stock.site")} value={site} onChange={(code) => void navigate(`/floor/${encodeURIComponent(code)}`)} popupMatchSelectWidth={false}
          options={[...codes].map((code) => ({ value: code, label: code }))} />
      </div>
      {failed && <ProblemAlert error={failed} onRetry={() => void bins.refetch()} />}
      {bins.isPending ? <Skeleton active /> : (
        <>
          <Panel title={t("floor.plan")} flush extra={plan.cells.length > 0 && <span className="dim">{t("floor.scale", { width: Math.round(plan.width), depth: Math.round(plan.depth) })}</span>}>
            {plan.cells.length === 0 ? <p className="panel-body">{t("floor.noPositions")}</p> : (
              <>
                <Controls zones={zones} bins={bins.data ?? []} tasks={tasks.data ?? []} colorBy={colorBy} onColor={setColorBy} task={taskId} onTask={setTask} bin={bin} onBin={setBin} />
                <FloorPlan plan={plan} label={t("floor.title", { site })} colorBy={colorBy} zones={zones} units={units} picks={picks} chosen={chosen} path={task ? stopsOf(task.items, plan) : []}
                  onChoose={(cell) => setBin(cell.bins[0]!.bin)} />
                <p className="floor-foot dim">
                  {task && <b role="status">{task.distance_m === null ? t("floor.pathUnknown") : t("floor.path", { distance: task.distance_m, stops: stopsOf(task.items, plan).length })}</b>}
                  {plan.unplaced.length > 0 && <span>{t("floor.unplaced", { count: plan.unplaced.length })}</span>}
                  {(bins.data?.length ?? 0) >= MOST_DRAWN && <span>{t("floor.more", { count: MOST_DRAWN })}</span>}
                </p>
              </>
            )}
          </Panel>
          {shown.length > 0 && <OneCell key={shown[0]!.bin} bins={shown} site={site} stock={stock.data ?? []} picks={picks} />}
          <BulkBins site={site} below={plan.cells.length === 0 ? 0 : plan.top + plan.depth} />
        </>
      )}
    </>
  );
}

interface ControlsProps {
  zones: readonly string[];
  bins: readonly Schemas["BinView"][];
  tasks: readonly Schemas["PickingTask"][];
  colorBy: ColorBy;
  onColor: (way: ColorBy) => void;
  task: string | null;
  onTask: (id: string | null) => void;
  bin: string | null;
  onBin: (code: string | null) => void;
}

/** What is drawn: colors, one task's way, one bin. By keyboard the bin is found here, since a drawing has too many to step through. */
function Controls({ zones, bins, tasks, colorBy, onColor, task, onTask, bin, onBin }: ControlsProps) {
  const { t } = useTranslation();
  return (
    <div className="form">
      <label>{t("floor.color")}<Segmented<ColorBy> aria-label={t("floor.color")} value={colorBy} onChange={onColor} options={WAYS.map((w) => ({ value: w, label: t(`floor.by.${w}`) }))} /></label>
      <label>{t("floor.task")}
        <Select<string> value={task ?? ""} onChange={(id) => onTask(id || null)} popupMatchSelectWidth={false}
          options={[{ value: "", label: t("floor.noTask") }, ...tasks.map((one) => ({ value: one.id, label: `${one.number} · ${t("m.task", { number: one.order_number })}${one.worker ? ` · ${one.worker}` : ""}` }))]} />
      </label>
      <label>{t("stock.bin")}
        <Select<string> showSearch allowClear value={bin ?? ""} onChange={(code: string | undefined) => onBin(code ?? null)} popupMatchSelectWidth={false}
          options={bins.map((b) => ({ value: b.bin, label: b.bin }))} />
      </label>
      {colorBy === "zone" && <ul className="zones" aria-label={t("floor.zones")}>{zones.map((zone, i) => <li key={zone}><i style={{ background: zoneColor(i) }} />{zone}</li>)}</ul>}
    </div>
  );
}
