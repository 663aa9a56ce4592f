import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Checkbox, Input, InputNumber, Popconfirm, Select } from "antd";
import { type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { bodyOf, type Conditions, type Draft, type Params, type Strategy } from "./drafts";
import { PerSite } from "./PerSite";
import { api, body } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useSites } from "../ui/useSites";

export type ConditionName = keyof Conditions;

const STRATEGIES: readonly Strategy[] = ["nearest", "cheapest", "fastest", "load_balanced", "most_stock"];
const PLACES = ["customer_city", "country", "postal_prefix"] as const;
const GOODS = ["product_categories", "seller", "skus", "channel"] as const;
const PRIORITIES = ["low", "normal", "high", "urgent"] as const;
const TYPES = ["ship", "transfer"] as const;
const WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
  onDone: () => void;
}

/** One rule: when it applies, and how it chooses. Every change is tried beside it at once; nothing counts before it is saved. */
export function RuleForm({ draft, onChange, onDone }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const done = async () => {
    await queries.invalidateQueries({ queryKey: ["routing"] });
    onDone();
  };
  const save = useMutation({
    mutationFn: async () => {
      const name = draft.name.trim();
      await body(api.PUT("/api/v1/routing/rules/{name}", { params: { path: { name } }, body: bodyOf(draft) }));
      // Under another name it is another rule; the old one would go on deciding.
      if (draft.saved !== null && draft.saved !== name) await api.DELETE("/api/v1/routing/rules/{name}", { params: { path: { name: draft.saved } } });
    },
    onSuccess: done,
  });
  const remove = useMutation({ mutationFn: (name: string) => api.DELETE("/api/v1/routing/rules/{name}", { params: { path: { name } } }), onSuccess: done });
  const params = (more: Partial<Params>) => onChange({ ...draft, params: { ...draft.params, ...more } });
  function enter(e: FormEvent) {
    e.preventDefault();
    save.mutate();
  }
  const failed = save.error ?? remove.error;
  return (
    <Panel title={draft.saved === null ? t("routing.newTitle") : t("routing.editTitle", { name: draft.saved })} flush>
      <form onSubmit={enter} data-testid="rule-form">
        <div className="form">
          <label className="wide">{t("routing.name")}<Input required value={draft.name} maxLength={64} autoComplete="off" onChange={(e) => onChange({ ...draft, name: e.target.value })} /></label>
          <label>{t("routing.priority")}<InputNumber<number> value={draft.priority} precision={0} onChange={(v) => onChange({ ...draft, priority: v ?? 0 })} /></label>
          <Checkbox checked={draft.active} onChange={(e) => onChange({ ...draft, active: e.target.checked })}>{t("routing.active")}</Checkbox>
        </div>
        <When draft={draft} onChange={onChange} />
        <fieldset className="rule-part">
          <legend>{t("routing.how")}</legend>
          <div className="form">
            <label className="wide">{t("routing.by")}<Select<Strategy> value={draft.strategy} onChange={(strategy) => onChange({ ...draft, strategy })} options={STRATEGIES.map((s) => ({ value: s, label: t(`routing.strategy.${s}`) }))} /></label>
            {draft.strategy === "cheapest" && (
              <>
                <Amount label={t("routing.costPerKm")} value={draft.params.cost_per_km} onChange={(cost_per_km) => params({ cost_per_km })} />
                <Amount label={t("routing.handling")} value={draft.params.handling_cost} onChange={(handling_cost) => params({ handling_cost })} />
              </>
            )}
            {draft.strategy === "fastest" && <Amount label={t("routing.minutesPerKm")} value={draft.params.minutes_per_km} onChange={(minutes_per_km) => params({ minutes_per_km })} />}
          </div>
          <p className="rule-hint dim">{t(`routing.strategyHint.${draft.strategy}`)}</p>
          {draft.strategy === "cheapest" && <PerSite title={t("routing.siteCosts")} values={draft.params.site_costs} onChange={(site_costs) => params({ site_costs })} />}
          {draft.strategy === "fastest" && <PerSite title={t("routing.leadMinutes")} values={draft.params.lead_minutes} onChange={(lead_minutes) => params({ lead_minutes })} />}
          {draft.strategy === "load_balanced" && <PerSite title={t("routing.siteWeights")} values={draft.params.site_weights} onChange={(site_weights) => params({ site_weights })} />}
        </fieldset>
        <Limits params={draft.params} onChange={params} />
        {failed && <ProblemAlert error={failed} />}
        <div className="form rule-end">
          <Button type="primary" htmlType="submit" loading={save.isPending} disabled={draft.name.trim() === ""}>{t("routing.save")}</Button>
          <Button onClick={onDone}>{t("actions.close")}</Button>
          {draft.saved !== null && (
            <Popconfirm title={t("routing.deleteSure", { name: draft.saved })} okText={t("routing.delete")} cancelText={t("actions.close")} onConfirm={() => draft.saved !== null && remove.mutate(draft.saved)}>
              <Button danger loading={remove.isPending}>{t("routing.delete")}</Button>
            </Popconfirm>
          )}
        </div>
      </form>
    </Panel>
  );
}

function When({ draft, onChange }: { draft: Draft; onChange: (draft: Draft) => void }) {
  const { t } = useTranslation();
  const { conditions } = draft;
  const set = (more: Partial<Conditions>) => onChange({ ...draft, conditions: { ...conditions, ...more } });
  const [range, time] = [conditions.order_value_range ?? {}, conditions.time_of_day ?? {}];
  return (
    <fieldset className="rule-part">
      <legend>{t("routing.whenTitle")}</legend>
      <div className="form">
        {PLACES.map((name) => <Tags key={name} label={t(`routing.when.${name}`)} value={conditions[name]} onChange={(v) => set({ [name]: v })} />)}
        <Amount label={t("routing.min")} value={range.min} onChange={(min) => set({ order_value_range: { ...range, min } })} />
        <Amount label={t("routing.max")} value={range.max} onChange={(max) => set({ order_value_range: { ...range, max } })} />
        <label>{t("routing.currency")}<Input value={range.currency ?? ""} maxLength={3} onChange={(e) => set({ order_value_range: { ...range, currency: e.target.value.toUpperCase() } })} /></label>
      </div>
      <details className="rule-more" open={[...GOODS, "priority", "fulfillment_type", "time_of_day"].some((name) => conditions[name as ConditionName])}>
        <summary>{t("routing.more")}</summary>
        <div className="form">
          {GOODS.map((name) => <Tags key={name} label={t(`routing.when.${name}`)} value={conditions[name]} onChange={(v) => set({ [name]: v })} />)}
          <label className="wide">{t("routing.when.priority")}<Select mode="multiple" value={conditions.priority ?? []} onChange={(priority) => set({ priority })} options={PRIORITIES.map((p) => ({ value: p, label: t(`priority.${p}`) }))} /></label>
          <label className="wide">{t("routing.when.fulfillment_type")}<Select mode="multiple" value={conditions.fulfillment_type ?? []} onChange={(fulfillment_type) => set({ fulfillment_type })} options={TYPES.map((p) => ({ value: p, label: t(`routing.type.${p}`) }))} /></label>
          <label>{t("routing.from")}<input className="day" type="time" value={time.from ?? ""} onChange={(e) => set({ time_of_day: { ...time, from: e.target.value } })} /></label>
          <label>{t("routing.to")}<input className="day" type="time" value={time.to ?? ""} onChange={(e) => set({ time_of_day: { ...time, to: e.target.value } })} /></label>
          <label className="wide">{t("routing.weekdays")}<Select mode="multiple" value={time.weekdays ?? []} onChange={(weekdays) => set({ time_of_day: { ...time, weekdays } })} options={WEEK.map((d) => ({ value: d, label: t(`routing.day.${d}`) }))} /></label>
          <label>{t("routing.zone")}<Input value={time.time_zone ?? ""} placeholder="UTC" maxLength={64} onChange={(e) => set({ time_of_day: { ...time, time_zone: e.target.value } })} /></label>
        </div>
      </details>
    </fieldset>
  );
}

function Limits({ params: p, onChange }: { params: Params; onChange: (more: Partial<Params>) => void }) {
  const { t } = useTranslation();
  const sites = useSites().map((s) => ({ value: s.code, label: s.code }));
  const list = (name: "only_sites" | "prefer_sites" | "exclude_sites"): ReactNode => (
    <label className="wide">{t(`routing.limit.${name}`)}<Select mode="multiple" value={texts(p[name])} onChange={(v) => onChange({ [name]: v })} options={sites} /></label>
  );
  return (
    <fieldset className="rule-part">
      <legend>{t("routing.limits")}</legend>
      <div className="form">
        {list("only_sites")}{list("prefer_sites")}{list("exclude_sites")}
        <Amount label={t("routing.limit.max_distance_km")} value={p.max_distance_km} onChange={(max_distance_km) => onChange({ max_distance_km })} />
        <Amount label={t("routing.limit.max_split")} value={p.max_split} precision={0} onChange={(max_split) => onChange({ max_split })} />
      </div>
      <p className="rule-hint dim">{t("routing.limitsHint")}</p>
    </fieldset>
  );
}

const texts = (value: readonly (string | null)[] | null | undefined) => (value ?? []).filter((v) => v !== null);

function Tags({ label, value, onChange }: { label: string; value: readonly (string | null)[] | null | undefined; onChange: (value: string[]) => void }) {
  return <label className="wide">{label}<Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[","]} value={texts(value)} onChange={onChange} /></label>;
}

function Amount({ label, value, onChange, precision }: { label: string; value: number | null | undefined; onChange: (value: number | null) => void; precision?: number }) {
  return <label>{label}<InputNumber<number> min={0} value={value ?? null} {...(precision === undefined ? {} : { precision })} onChange={onChange} /></label>;
}
