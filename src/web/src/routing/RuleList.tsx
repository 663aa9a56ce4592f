import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { ConditionName } from "./RuleForm";
import { said, type Draft, type Rule } from "./drafts";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";

interface Props {
  rules: readonly Rule[];
  draft: Draft | null;
  onEdit: (rule: Rule) => void;
  onNew: () => void;
}

/** The rules in the order in which they are asked; behind the last one the built-in way. */
export function RuleList({ rules, draft, onEdit, onNew }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Panel title={t("routing.rules")} flush extra={<Button size="small" type="primary" onClick={onNew}>{t("routing.new")}</Button>}>
      <ol className="levels rules">
        {rules.map((r) => (
          <li key={r.name} className={draft?.saved === r.name ? "rule rule-edited" : "rule"} data-testid={`rule-${r.name}`}>
            <div className="site-head">
              <span className="rule-priority">{format.number(r.priority)}</span>
              <b>{r.name}</b>
              <span>{t(`routing.strategy.${r.strategy}`)}</span>
              {!r.active && <span className="tag tag-cancelled">{t("routing.off")}</span>}
              <Button size="small" className="rule-edit" aria-label={t("routing.editRule", { name: r.name })} onClick={() => onEdit(r)}>{t("routing.edit")}</Button>
            </div>
            <div className="dim"><When rule={r} /> · {t("routing.savedBy", { version: r.version, who: r.saved_by, when: format.when(r.saved_at) })}</div>
          </li>
        ))}
        <li className="rule"><div className="site-head"><span className="rule-priority">–</span><b>{t("routing.otherwise")}</b></div><div className="dim">{t("routing.otherwiseHow")}</div></li>
      </ol>
    </Panel>
  );
}

/** When a rule applies, in a few words. */
function When({ rule }: { rule: Rule }) {
  const { t } = useTranslation();
  const names = Object.keys(said(rule.conditions)) as ConditionName[];
  const text = (name: ConditionName) => {
    const value = rule.conditions[name];
    const shown = Array.isArray(value) ? value.slice(0, 3).join(", ") + (value.length > 3 ? " …" : "") : "";
    return shown ? `${t(`routing.when.${name}`)}: ${shown}` : t(`routing.when.${name}`);
  };
  return <>{names.length === 0 ? t("routing.always") : names.map(text).join(" · ")}</>;
}
