import { Button, Checkbox, Input, Select } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { EVENT_TYPES } from "./hooks";
import { useHookAction } from "./useHookAction";

type Profile = Schemas["WebhookProfile"];
const PROFILES: readonly Profile[] = ["standard", "order_status"];

/** Makes a webhook. What may be in it the node says; its secret goes to whoever asked for this form. */
export function NewWebhook({ onMade, onClose }: { onMade: (made: Schemas["WebhookSecret"]) => void; onClose?: () => void }) {
  const { t } = useTranslation();
  const [url, setUrl] = useState("");
  const [description, setDescription] = useState("");
  const [profile, setProfile] = useState<Profile>("standard");
  const [types, setTypes] = useState<string[]>(["order.*"]);
  const [personal, setPersonal] = useState(false);
  const [channel, setChannel] = useState("");
  const [authorization, setAuthorization] = useState("");
  const [secret, setSecret] = useState("");
  const isStandard = profile === "standard";
  const make = useHookAction(() => body(api.POST("/api/v1/webhooks", {
    body: {
      url: url.trim(), description: description.trim() || null, profile, types: isStandard ? types : null, personal: isStandard && personal, channel: isStandard ? null : channel.trim() || null,
      authorization: authorization || null, secret: secret.trim() || null,
    },
  })));
  function enter(e: FormEvent) {
    e.preventDefault();
    make.mutate(undefined, { onSuccess: onMade });
  }
  return (
    <Panel title={t("webhooks.new")} extra={onClose && <Button size="small" onClick={onClose}>{t("actions.close")}</Button>} flush>
      <form aria-label={t("webhooks.new")} onSubmit={enter} autoComplete="off">
        <div className="form">
          <label className="hook-url">{t("webhooks.url")}
            <Input required value={url} maxLength={2000} inputMode="url" spellCheck={false} placeholder={isStandard ? "https://shop.example/in" : "https://listings.example/api/v1/orders/{id}/status"}
              onChange={(e) => setUrl(e.target.value)} />
          </label>
          <label>{t("webhooks.profileLabel")}
            <Select<Profile> value={profile} onChange={setProfile} popupMatchSelectWidth={false} options={PROFILES.map((p) => ({ value: p, label: t(`webhooks.profile.${p}`) }))} />
          </label>
          <label className="wide">{t("webhooks.description")}<Input value={description} maxLength={200} onChange={(e) => setDescription(e.target.value)} /></label>
        </div>
        <div className="form">
          {isStandard ? (
            <>
              <label className="hook-types">{t("webhooks.types")}
                <Select<string[]> mode="tags" value={types} onChange={setTypes} tokenSeparators={[",", " "]} options={EVENT_TYPES.map((type) => ({ value: type, label: type }))} />
              </label>
              <Checkbox className="hook-check" checked={personal} onChange={(e) => setPersonal(e.target.checked)}>{t("webhooks.personal")}</Checkbox>
            </>
          ) : <label className="wide">{t("webhooks.channel")}<Input value={channel} maxLength={64} placeholder="listings" onChange={(e) => setChannel(e.target.value)} /></label>}
        </div>
        {!isStandard && <p className="dim setup-hint">{t("webhooks.statusHint", { id: "{id}" })}</p>}
        <div className="form">
          <label className="wide">{t("webhooks.authorization")}
            <Input.Password value={authorization} maxLength={2000} autoComplete="new-password" placeholder="Bearer …" onChange={(e) => setAuthorization(e.target.value)} />
          </label>
          <label className="wide">{t("webhooks.ownSecret")}
            <Input.Password value={secret} autoComplete="new-password" placeholder="whsec_…" onChange={(e) => setSecret(e.target.value)} />
          </label>
          <Button type="primary" htmlType="submit" loading={make.isPending} disabled={url.trim() === "" || (isStandard && types.length === 0)}>{t("webhooks.make")}</Button>
          {make.error && <div className="hook-wrong"><ProblemAlert error={make.error} /></div>}
        </div>
      </form>
    </Panel>
  );
}
