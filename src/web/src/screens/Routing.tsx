import { useQuery } from "@tanstack/react-query";
import { Skeleton } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { draftOf, emptyDraft, setWith, type Draft, type Rule } from "../routing/drafts";
import { RuleForm } from "../routing/RuleForm";
import { RuleList } from "../routing/RuleList";
import { Simulation } from "../routing/Simulation";
import { ProblemAlert } from "../ui/ProblemAlert";

const NONE: Rule[] = [];

/** How sites are chosen: the rules, one of them being written, and what the last orders would have made of it. */
export function Routing() {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<Draft | null>(null);
  const saved = useQuery({ queryKey: ["routing", "rules"], queryFn: () => body(api.GET("/api/v1/routing/rules")) });
  const rules = saved.data?.items ?? NONE;
  const set = useMemo(() => setWith(rules, draft), [rules, draft]);
  if (saved.error) return <ProblemAlert error={saved.error} onRetry={() => void saved.refetch()} />;
  if (!saved.data) return <Skeleton active />;
  const draftKey = draft?.saved ?? "";
  return (
    <>
      <h1 className="sr-only">{t("nav.routing")}</h1>
      <div className="columns routing">
        <div>
          <RuleList rules={rules} draft={draft} onEdit={(r) => setDraft(draftOf(r))} onNew={() => setDraft({ ...emptyDraft, priority: Math.max(0, ...rules.map((r) => r.priority + 10)) })} />
          {draft && <RuleForm key={draftKey} draft={draft} onChange={setDraft} onDone={() => setDraft(null)} />}
        </div>
        <div><Simulation rules={set} /></div>
      </div>
    </>
  );
}
