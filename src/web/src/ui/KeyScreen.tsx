import { Alert, Button, Checkbox, Input } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/client";
import { keyStore, useKey } from "../api/key";
import { ProblemAlert } from "./ProblemAlert";

/** Asks once for the API key of a node with auth=keys, and tries it before it is kept. */
export function KeyScreen() {
  const { t } = useTranslation();
  const { key: old, refused } = useKey();
  const [key, setKey] = useState("");
  const [remember, setRemember] = useState(false);
  const [empty, setEmpty] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function enter(e: FormEvent) {
    e.preventDefault();
    const given = key.trim();
    setError(null);
    setEmpty(given === "");
    if (given === "") return;
    setBusy(true);
    try {
      await api.GET("/api/v1/orders", { params: { query: { limit: 1 } }, headers: { Authorization: `Bearer ${given}` } });
      keyStore.save(given, remember);
    } catch (refusal) {
      setError(refusal);
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="key-screen">
      <h1>{t("key.title")}</h1>
      <p>{t("key.intro", { command: "stowline keys create" })}</p>
      {old && refused && !error && <Alert type="warning" showIcon title={refused.detail} />}
      {error !== null && <ProblemAlert error={error} />}
      <form onSubmit={(e) => void enter(e)}>
        <label htmlFor="key">{t("key.label")}</label>
        <Input.Password id="key" name="key" autoComplete="current-password" spellCheck={false} autoFocus value={key} status={empty ? "error" : ""}
          aria-invalid={empty} aria-describedby={empty ? "key-missing" : undefined} onChange={(e) => setKey(e.target.value)} />
        {empty && <div id="key-missing" className="field-error">{t("key.missing")}</div>}
        <Checkbox checked={remember} onChange={(e) => setRemember(e.target.checked)}>{t("key.remember")}</Checkbox>
        <Button type="primary" htmlType="submit" loading={busy}>{t("key.use")}</Button>
      </form>
    </main>
  );
}
