import { useTranslation } from "react-i18next";
import { useFormat } from "../ui/format";
import { ThemeButton } from "../ui/ThemeButton";
import { outbox, useOutbox } from "./outbox";
import type { Action, Values } from "./store";

/** What has not been sent yet, in its order, and what the node refused, with its reason and a way out. */
export function OutboxView() {
  const { t } = useTranslation();
  const { actions } = useOutbox();
  return (
    <>
      <h2>{t("m.outbox")}</h2>
      {actions.length === 0 ? <p>{t("m.outboxEmpty")}</p> : <ol className="m-list">{actions.map((a) => <Row key={a.id} action={a} later={actions.some((b) => b.about === a.about && b.id > a.id)} />)}</ol>}
      <ThemeButton className="m-plain" />
    </>
  );
}

function Row({ action, later }: { action: Action; later: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { refused } = action;
  return (
    <li className={refused ? "m-card m-card-bad" : "m-card"}>
      <b>{t(`m.did.${action.what}`, action.values as Required<Values>)}</b> <time dateTime={action.at}>{format.when(action.at)}</time>
      {refused && (
        <div role="alert">
          <p>{refused.title}: {refused.detail}</p>
          <div className="m-row">
            <button type="button" onClick={() => void outbox.retry(action)}>{t("problem.retry")}</button>
            <button type="button" onClick={() => void outbox.drop(action, false)}>{t("m.drop")}</button>
            {later && <button type="button" onClick={() => void outbox.drop(action, true)}>{t("m.dropAll")}</button>}
          </div>
        </div>
      )}
    </li>
  );
}
