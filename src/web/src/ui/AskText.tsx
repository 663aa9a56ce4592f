import { Button, Input } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  label: string;
  /** What the button says that does it. */
  action: string;
  busy: boolean;
  danger?: boolean;
  most: number;
  onAnswer: (text: string) => void;
  onClose: () => void;
}

/** Asks for one text before something is done: why, or who. */
export function AskText({ label, action, busy, danger, most, onAnswer, onClose }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  function enter(e: FormEvent) {
    e.preventDefault();
    if (text.trim()) onAnswer(text.trim());
  }
  return (
    <form className="actions-asked" onSubmit={enter}>
      <div className="actions-row">
        <label className="actions-reason">{label}<Input autoFocus required value={text} maxLength={most} onChange={(e) => setText(e.target.value)} /></label>
        <Button htmlType="submit" type="primary" danger={danger ?? false} loading={busy} disabled={!text.trim()}>{action}</Button>
        <Button onClick={onClose}>{t("actions.close")}</Button>
      </div>
    </form>
  );
}
