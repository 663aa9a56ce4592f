import { useTranslation } from "react-i18next";

/** The beginning of what an endpoint answered. It is somebody else's text: it is shown as it is, and nothing in it means anything here. */
export function Answer({ text }: { text: string }) {
  const { t } = useTranslation();
  return <pre className="hook-answer" tabIndex={0} aria-label={t("webhooks.answer")} role="group">{text}</pre>;
}
