import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { useFormat } from "./format";

const HEIGHT = 72;
const STEP = 10;
const EVERY = 15; // minutes between two times below the chart

/** Placed and shipped per minute as bars side by side. Drawn by hand: a chart library would weigh more than the whole screen. */
export function ThroughputChart({ data }: { data: Schemas["ThroughputView"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { minutes } = data;
  const sum = (of: "placed" | "shipped" | "cancelled" | "lines") => minutes.reduce((s, m) => s + m[of], 0);
  const most = Math.max(1, ...minutes.map((m) => Math.max(m.placed, m.shipped)));
  const high = (n: number) => (n / most) * HEIGHT;
  const [placed, shipped, cancelled] = [sum("placed"), sum("shipped"), sum("cancelled")];
  const incomplete = minutes[0] !== undefined && Date.parse(data.complete_since) > Date.parse(minutes[0].at);
  return (
    <figure className="chart">
      <figcaption>
        <span className="key key-placed">{t("flow.placed")} <b data-testid="placed">{format.number(placed)}</b></span>
        <span className="key key-shipped">{t("flow.shipped")} <b data-testid="shipped">{format.number(shipped)}</b></span>
        <span className="key">{t("flow.lines")} <b data-testid="lines">{format.number(sum("lines"))}</b></span>
        <span className="key key-cancelled">{t("overview.cancelled")} <b>{format.number(cancelled)}</b></span>
        {placed + shipped === 0 && <span className="dim">{t("overview.quiet")}</span>}
      </figcaption>
      <div className="chart-plot">
        <span className="chart-most" aria-hidden="true">{format.number(most)}</span>
        <svg viewBox={`0 0 ${minutes.length * STEP} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t("overview.chart", { minutes: minutes.length, placed, shipped, most })}>
          <line x1="0" x2={minutes.length * STEP} y1="0.5" y2="0.5" className="chart-line" />
          {minutes.map((m, i) => (
            <g key={m.at}>
              <title>{`${format.minute(m.at)} · ${t("overview.placed")} ${m.placed} · ${t("overview.shipped")} ${m.shipped}`}</title>
              <rect x={i * STEP} y={0} width={STEP} height={HEIGHT} fill="transparent" />
              <rect className="bar-placed" x={i * STEP + 1} y={HEIGHT - high(m.placed)} width={4} height={high(m.placed)} />
              <rect className="bar-shipped" x={i * STEP + 5} y={HEIGHT - high(m.shipped)} width={4} height={high(m.shipped)} />
            </g>
          ))}
        </svg>
      </div>
      <div className="chart-times" aria-hidden="true">
        {minutes.filter((_, i) => (minutes.length - 1 - i) % EVERY === 0).map((m) => <span key={m.at}>{format.minute(m.at)}</span>)}
      </div>
      {incomplete && <p className="dim">{t("overview.incomplete", { time: format.minute(data.complete_since) })}</p>}
    </figure>
  );
}
