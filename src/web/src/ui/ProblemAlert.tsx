import { Alert, Button } from "antd";
import { useTranslation } from "react-i18next";
import { problemOf } from "../api/problem";

/** What went wrong, as the problem document says it: title, detail, fields, and the trace id that finds it in the node's log. */
export function ProblemAlert({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const problem = problemOf(error);
  const unreachable = problem.status === 0;
  const title = unreachable ? t("problem.unreachable") : problem.status === 403 ? t("problem.forbidden") : problem.title;
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={title}
      description={
        <>
          <div>{unreachable ? t("problem.unreachableHint") : problem.detail}</div>
          {Object.entries(problem.errors ?? {}).map(([field, messages]) => (
            <div key={field}>
              <code>{field}</code> {messages.join("; ")}
            </div>
          ))}
          {problem.trace_id && <div className="dim">{t("problem.trace", { id: problem.trace_id })}</div>}
        </>
      }
      action={onRetry && <Button size="small" onClick={onRetry}>{t("problem.retry")}</Button>}
    />
  );
}
