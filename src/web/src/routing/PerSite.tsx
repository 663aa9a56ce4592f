import { InputNumber } from "antd";
import { useSites } from "../ui/useSites";

interface Props {
  title: string;
  values: Record<string, number> | null | undefined;
  onChange: (values: Record<string, number>) => void;
}

/** One number for each site, of which most may stay empty. */
export function PerSite({ title, values, onChange }: Props) {
  const sites = useSites().filter((s) => s.active);
  const set = (site: string, value: number | null) => {
    const others = Object.entries(values ?? {}).filter(([code]) => code !== site);
    onChange(Object.fromEntries(value === null ? others : [...others, [site, value]]));
  };
  return (
    <fieldset className="rule-sites">
      <legend className="dim">{title}</legend>
      <div className="form">{sites.map((s) => <label key={s.code}>{s.code}<InputNumber<number> min={0} value={values?.[s.code] ?? null} onChange={(v) => set(s.code, v)} /></label>)}</div>
    </fieldset>
  );
}
