import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import { useLiveState } from "../live/useLive";
import { useFormat } from "./format";

/** How the connection stands, always in sight. */
export function LiveBadge() {
  const { t } = useTranslation();
  const { phase } = useLiveState();
  return (
    <span className={`live live-${phase}`} role="status" data-testid="live">
      {t(`live.${phase}`)}
    </span>
  );
}

/** Says that what is on the screen is old, and how old. */
export function StaleAlert() {
  const { t } = useTranslation();
  const format = useFormat();
  const { phase, since, problem } = useLiveState();
  if (phase === "lost" && since !== null)
    return <Alert role="status" type="warning" showIcon title={t("live.lostSince", { time: format.time(since) })} />;
  if (phase === "refused") return <Alert role="status" type="info" showIcon title={<>{t("live.refusedHint")} <span className="dim">{problem?.detail}</span></>} />;
  return null;
}
