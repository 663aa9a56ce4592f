import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Input, Radio } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";

type Event = Schemas["ParkedEvent"];

/** What waits behind one another: a subject of one consumer or relay on one lane. */
interface Subject {
  key: string;
  events: [Event, ...Event[]];
}

/** The list is in order of position, so the first of a subject is the one at fault. */
function bySubject(events: readonly Event[]): Subject[] {
  const subjects = new Map<string, Subject>();
  for (const e of events) {
    const key = `${e.consumer}~${e.lane}~${e.subject}`;
    const known = subjects.get(key);
    if (known) known.events.push(e);
    else subjects.set(key, { key, events: [e] });
  }
  return [...subjects.values()];
}

/** What no consumer could handle and no broker would take. Trying again is for after the cause is gone; giving up asks for a reason, which stands in the log. */
export function Parked() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const parked = useQuery({ queryKey: ["parked"], refetchInterval: 5_000, queryFn: () => body(api.GET("/api/v1/system/parked", { params: { query: { limit: 200 } } })) });
  const action = useMutation({
    mutationFn: (call: () => Promise<string>) => call(),
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: ["parked"] }), queries.invalidateQueries({ queryKey: ["status"] })]),
  });
  if (parked.error) return <Panel title={t("parked.title")}><ProblemAlert error={parked.error} onRetry={() => void parked.refetch()} /></Panel>;
  if (!parked.data) return null;
  const subjects = bySubject(parked.data.items);
  return (
    <Panel title={t("parked.title")} extra={subjects.length > 0 && <span className="dim">{t("parked.hint")}</span>} flush>
      {action.error ? <ProblemAlert error={action.error} /> : action.data && <Alert type="success" showIcon role="status" title={action.data} />}
      {subjects.length === 0 ? <p className="panel-body">{t("parked.none")}</p>
        : <ul className="levels">{subjects.map((s) => <OneSubject key={s.key} subject={s} busy={action.isPending} run={action.mutate} />)}</ul>}
    </Panel>
  );
}

function OneSubject({ subject: { events }, busy, run }: { subject: Subject; busy: boolean; run: (call: () => Promise<string>) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [asking, setAsking] = useState(false);
  const [first] = events;
  const where = { consumer: first.consumer, lane: first.lane, subject: first.subject };
  const resume = () => run(async () => t("parked.resumed", { count: (await body(api.POST("/api/v1/system/parked/resume", { body: where }))).events, subject: first.subject }));
  const discard = (reason: string, all: boolean) => run(async () => {
    const { events: count } = await body(api.POST("/api/v1/system/parked/discard", { body: { ...where, position: all ? null : first.position, reason } }));
    setAsking(false);
    return t("parked.discarded", { count, subject: first.subject });
  });
  return (
    <li data-testid={`parked-${first.subject}`}>
      <div className="site-head">
        <b>{first.type}</b> <span>{t("parked.of", { consumer: first.consumer, subject: first.subject })}</span>
        <span className="row-actions">
          <Button size="small" disabled={busy} onClick={resume}>{t("parked.resume")}</Button>
          <Button size="small" danger disabled={busy} aria-expanded={asking} onClick={() => setAsking(!asking)}>{t("parked.discard")}</Button>
        </span>
      </div>
      <p className="none-left long">{first.error}</p>
      <p className="dim">{t("parked.first", { time: format.when(first.parked_at), count: first.attempts, lane: first.lane, position: first.position })}
        {events.length > 1 && <> · {t("parked.waiting", { count: events.length - 1 })}</>}</p>
      {asking && <Discard count={events.length} busy={busy} onAnswer={discard} onClose={() => setAsking(false)} />}
    </li>
  );
}

function Discard({ count, busy, onAnswer, onClose }: { count: number; busy: boolean; onAnswer: (reason: string, all: boolean) => void; onClose: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const [all, setAll] = useState(count === 1);
  function enter(e: FormEvent) {
    e.preventDefault();
    if (reason.trim()) onAnswer(reason.trim(), all);
  }
  return (
    <form className="actions-asked discard" onSubmit={enter}>
      <p>{t("parked.sure")}</p>
      {count > 1 && (
        <Radio.Group aria-label={t("parked.which")} value={all} onChange={(e) => setAll(e.target.value as boolean)}
          options={[{ value: false, label: t("parked.whichFirst") }, { value: true, label: t("parked.whichAll", { count }) }]} />
      )}
      <div className="actions-row">
        <label className="actions-reason">{t("parked.reason")}<Input autoFocus required value={reason} maxLength={500} onChange={(e) => setReason(e.target.value)} /></label>
        <Button htmlType="submit" type="primary" danger loading={busy} disabled={!reason.trim()}>{t("parked.do")}</Button>
        <Button onClick={onClose}>{t("actions.close")}</Button>
      </div>
    </form>
  );
}
