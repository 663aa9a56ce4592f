import { useTranslation } from "react-i18next";
import type { Cell, Plan } from "./geometry";

export type ColorBy = "zone" | "fill" | "heat";

interface Props {
  plan: Plan;
  label: string;
  colorBy: ColorBy;
  zones: readonly string[];
  units: ReadonlyMap<string, number>;
  picks: ReadonlyMap<string, number>;
  chosen: Cell | null;
  path: readonly ({ bin: string; x: number; y: number } | null)[];
  onChoose: (cell: Cell) => void;
}

/** Eight hues that can be told apart, also next to each other; a ninth zone begins again. */
export const zoneColor = (index: number) => `var(--zone-${index % 8})`;

/** The share of a cell that is filled or hot, 0 to 1. */
function shareOf(cell: Cell, { colorBy, units, picks }: Pick<Props, "colorBy" | "units" | "picks">, most: number): number {
  if (colorBy === "fill") return cell.bins.filter((b) => (units.get(b.bin) ?? 0) > 0).length / cell.bins.length;
  return cell.bins.reduce((sum, b) => sum + (picks.get(b.bin) ?? 0), 0) / most;
}

/** The floor from above, to scale: one unit of the drawing is a meter. */
export function FloorPlan(props: Props) {
  const { t } = useTranslation();
  const { plan, label, colorBy, zones, chosen, path, onChoose } = props;
  const most = Math.max(1, ...plan.cells.map((c) => c.bins.reduce((sum, b) => sum + (props.picks.get(b.bin) ?? 0), 0)));
  const stops = path.filter((s) => s !== null);
  const bar = plan.width > 40 ? 10 : plan.width > 8 ? 5 : 1;
  // Lines and letters keep their size on the screen, whatever the floor measures.
  const unit = Math.max(plan.width, plan.depth * 1.6) / 110;
  return (
    <svg className="floor-plan" viewBox={`${plan.left} ${plan.top} ${plan.width} ${plan.depth}`} role="group" aria-label={label}>
      {plan.cells.map((cell) => {
        const share = colorBy === "zone" ? 1 : shareOf(cell, props, most);
        const fill = colorBy === "zone" ? zoneColor(zones.indexOf(cell.zone)) : `color-mix(in srgb, var(${colorBy === "heat" ? "--hot" : "--full"}) ${Math.round(share * 100)}%, var(--empty))`;
        const locked = cell.bins.some((b) => b.locked);
        return (
          <rect key={cell.bins[0]!.bin} data-bin={cell.bins[0]!.bin} className={cell === chosen ? "cell cell-chosen" : "cell"} style={{ fill, strokeWidth: unit * (cell === chosen ? 0.5 : 0.12) }}
            x={cell.x - cell.width / 2} y={cell.y - cell.depth / 2} width={cell.width} height={cell.depth} strokeDasharray={locked ? `${unit} ${unit}` : undefined} onClick={() => onChoose(cell)}>
            <title>{[...cell.bins.map((b) => b.bin), locked ? t("floor.locked") : ""].filter(Boolean).join(", ")}</title>
          </rect>
        );
      })}
      {stops.length > 0 && (
        <g className="path">
          <polyline points={stops.map((s) => `${s.x},${s.y}`).join(" ")} strokeWidth={unit * 0.5} />
          {stops.map((s, i) => (
            <g key={s.bin}>
              <circle cx={s.x} cy={s.y} r={unit * 1.5} />
              <text x={s.x} y={s.y + unit * 0.62} fontSize={unit * 1.8} textAnchor="middle">{i + 1}</text>
            </g>
          ))}
        </g>
      )}
      <g className="scale" strokeWidth={unit * 0.2}>
        <line x1={plan.left + 0.4} x2={plan.left + 0.4 + bar} y1={plan.top + plan.depth - 0.6 * unit} y2={plan.top + plan.depth - 0.6 * unit} />
        <text x={plan.left + 0.4 + bar + unit} y={plan.top + plan.depth - 0.5 * unit} fontSize={unit * 1.9}>{bar} m</text>
      </g>
    </svg>
  );
}
