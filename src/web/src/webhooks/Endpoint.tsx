import { useQuery } from "@tanstack/react-query";
import { Alert, Button, Input, InputNumber, Popconfirm } from "antd";
import { useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, body, type Schemas } from "../api/client";
import { hookReason } from "../i18n/told";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { Answer } from "./Answer";
import { ahead, answerTo, stateOf, type Hook } from "./hooks";
import { useHookAction } from "./useHookAction";

/** Whether it is told of anything: color and word. */
export function HookState({ hook }: { hook: Hook }) {
  const { t } = useTranslation();
  const state = stateOf(hook);
  return <b className={`light light-${state === "on" ? "green" : state === "off" ? "yellow" : "red"}`}>{t(`webhooks.state.${state}`)}</b>;
}

/** How one webhook stands, and what can be done about it. */
export function Endpoint({ hook, read, onSecret }: { hook: Hook; /** When, in milliseconds. */ read: number; onSecret: (made: Schemas["WebhookSecret"]) => void }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const isStandard = hook.profile === "standard";
  const [old, paused] = [ahead(hook.old_secret_until, read), ahead(hook.paused_until, read)];
  const facts: [string, ReactNode][] = [
    [t("webhooks.profileLabel"), t(`webhooks.profile.${hook.profile}`)],
    ...(isStandard ? [[t("webhooks.types"), hook.types.join(", ")], [t("webhooks.personalShort"), t(`webhooks.${hook.personal ? "yes" : "no"}`)]] satisfies [string, ReactNode][]
      : [[t("webhooks.channel"), hook.channel ?? t("webhooks.allChannels")]] satisfies [string, ReactNode][]),
    ["Authorization", t(`webhooks.${hook.has_authorization ? "sent" : "no"}`)],
    [t("webhooks.lastSuccess"), hook.last_success_at ? format.when(hook.last_success_at) : t("channels.never")],
    ...(old ? [[t("webhooks.oldSecret"), t("webhooks.until", { time: format.when(old) })]] satisfies [string, ReactNode][] : []),
    [t("webhooks.made"), <>{format.when(hook.created_at)} <span className="dim">{t("setup.by", { who: hook.created_by })}</span></>],
  ];
  return (
    <Panel title={t("webhooks.facts", { host: new URL(hook.url).host })}>
      {!hook.enabled && (
        <Alert type={stateOf(hook) === "off" ? "warning" : "error"} showIcon role="status" title={t("webhooks.why", { reason: hookReason(i18n.language, hook.disabled_reason ?? "") })}
          description={t("webhooks.offHint")} />
      )}
      {hook.enabled && hook.failing_since && (
        <Alert type="warning" showIcon role="status" title={t("webhooks.failing", { time: format.when(hook.failing_since) })}
          description={<>{t("webhooks.failingHint")}{paused && <div className="dim">{t("webhooks.paused", { time: format.when(paused) })}</div>}</>} />
      )}
      <dl className="facts account-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      <Actions hook={hook} onSecret={onSecret} />
    </Panel>
  );
}

function Actions({ hook, onSecret }: { hook: Hook; onSecret: (made: Schemas["WebhookSecret"]) => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [rotating, setRotating] = useState(false);
  const params = { path: { id: hook.id } };
  const test = useHookAction(() => body(api.POST("/api/v1/webhooks/{id}/test", { params })));
  const turn = useHookAction((on: boolean) => api.POST(on ? "/api/v1/webhooks/{id}/enable" : "/api/v1/webhooks/{id}/disable", { params }));
  const remove = useHookAction(() => api.DELETE("/api/v1/webhooks/{id}", { params }));
  const host = new URL(hook.url).host;
  const error = test.error ?? turn.error ?? remove.error;
  return (
    <div className="actions">
      <div className="actions-row">
        <Button type={hook.enabled ? "primary" : "default"} disabled={!hook.enabled} loading={test.isPending} onClick={() => test.mutate(undefined)}>{t("webhooks.test")}</Button>
        {hook.enabled ? (
          <Popconfirm title={t("webhooks.disableSure", { host })} okText={t("webhooks.disable")} cancelText={t("actions.close")} onConfirm={() => turn.mutate(false)}>
            <Button loading={turn.isPending}>{t("webhooks.disable")}</Button>
          </Popconfirm>
        ) : <Button type="primary" loading={turn.isPending} onClick={() => turn.mutate(true)}>{t("webhooks.enable")}</Button>}
        <Button aria-expanded={rotating} onClick={() => setRotating(!rotating)}>{t("webhooks.rotate")}</Button>
        <Popconfirm title={t("webhooks.removeSure", { host, count: hook.pending })} okText={t("webhooks.remove")} okButtonProps={{ danger: true }} cancelText={t("actions.close")}
          onConfirm={() => remove.mutate(undefined, { onSuccess: () => void navigate("/webhooks") })}>
          <Button danger loading={remove.isPending}>{t("webhooks.remove")}</Button>
        </Popconfirm>
      </div>
      {rotating && <Rotate hook={hook} onClose={() => setRotating(false)} onSecret={onSecret} />}
      {error && <ProblemAlert error={error} />}
      {test.data && !test.isPending && <TestAnswer key={test.data.seq} hook={hook.id} seq={test.data.seq} />}
    </div>
  );
}

function Rotate({ hook, onClose, onSecret }: { hook: Hook; onClose: () => void; onSecret: (made: Schemas["WebhookSecret"]) => void }) {
  const { t } = useTranslation();
  const [hours, setHours] = useState<number | null>(24);
  const [secret, setSecret] = useState("");
  const rotate = useHookAction(() => body(api.POST("/api/v1/webhooks/{id}/rotate", { params: { path: { id: hook.id } }, body: { overlap_hours: hours, secret: secret.trim() || null } })));
  function enter(e: FormEvent) {
    e.preventDefault();
    rotate.mutate(undefined, {
      onSuccess: (made) => {
        onSecret(made);
        onClose();
      },
    });
  }
  return (
    <form className="actions-asked" aria-label={t("webhooks.rotate")} onSubmit={enter} autoComplete="off">
      <div className="actions-row">
        <label>{t("webhooks.overlap")}<InputNumber<number> required min={0} max={168} precision={0} value={hours} onChange={setHours} /></label>
        <label className="actions-reason">{t("webhooks.ownSecret")}
          <Input.Password value={secret} autoComplete="new-password" placeholder="whsec_…" onChange={(e) => setSecret(e.target.value)} />
        </label>
        <Button type="primary" htmlType="submit" loading={rotate.isPending} disabled={hours === null}>{t("webhooks.doRotate")}</Button>
        <Button onClick={onClose}>{t("actions.close")}</Button>
      </div>
      <p className="dim hook-hint">{t("webhooks.rotateHint")}</p>
      {rotate.error && <ProblemAlert error={rotate.error} />}
    </form>
  );
}

/** Asks until the endpoint has answered the first time, or has let its time pass. */
function TestAnswer({ hook, seq }: { hook: string; seq: number }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const { data, error } = useQuery({
    queryKey: ["webhook-test", hook, seq],
    refetchInterval: (query) => (answerTo(query.state.data) === "waiting" ? 1_000 : false),
    staleTime: Infinity,
    queryFn: () => body(api.GET("/api/v1/webhooks/{id}/deliveries/{seq}", { params: { path: { id: hook, seq: String(seq) } } })),
  });
  if (error) return <ProblemAlert error={error} />;
  const answer = answerTo(data);
  if (!data || answer === "waiting") return <Alert type="info" showIcon role="status" title={t("webhooks.testSent")} />;
  const time = format.when(data.last_at ?? data.created_at);
  return (
    <Alert type={answer === "good" ? "success" : "error"} showIcon role="status" data-testid="test-answer"
      title={answer === "good" ? t("webhooks.testGood", { time, code: data.last_status ?? "" }) : t("webhooks.testBad", { time, error: hookReason(i18n.language, data.last_error ?? "") })}
      description={data.last_body && <Answer text={data.last_body} />} />
  );
}
