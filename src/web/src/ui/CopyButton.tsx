import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

/** Copies a text. A browser does that only on pages of https or of this machine; elsewhere the text can be selected. */
export function CopyButton({ text }: { text: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  if (!window.isSecureContext) return null;
  return <Button size="small" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}><span aria-live="polite">{copied ? t("order.copied") : t("order.copy")}</span></Button>;
}
