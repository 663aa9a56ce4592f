import { Alert, Button } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { CopyButton } from "../ui/CopyButton";
import { useFormat } from "../ui/format";

/** A secret that was just made. The node does not show it again. */
export function Secret({ made, onClose }: { made: Schemas["WebhookSecret"]; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Alert type="success" showIcon role="status" className="key-made" title={t("webhooks.secretOnce", { url: made.url })}
      description={(
        <>
          <p><code data-testid="made-secret">{made.secret}</code></p>
          {made.old_secret_until && <p className="dim">{t("webhooks.oldUntil", { time: format.when(made.old_secret_until) })}</p>}
          <p className="flags hook-hint"><CopyButton text={made.secret} /> <Button size="small" onClick={onClose}>{t("webhooks.haveIt")}</Button></p>
        </>
      )} />
  );
}
