import { Button, Input } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { dropView, saveView, useViews } from "./views";

/** The views somebody keeps on this device, and a way to keep the present one. */
export function SavedViews({ query }: { query: string }) {
  const { t } = useTranslation();
  const views = useViews();
  const [name, setName] = useState<string | null>(null);
  function save(e: FormEvent) {
    e.preventDefault();
    if (name?.trim()) saveView({ name: name.trim(), query });
    setName(null);
  }
  if (views.length === 0 && query === "") return null;
  return (
    <nav className="views" aria-label={t("filter.saved")}>
      {views.map((v) => (
        <span key={v.name} className="view">
          <Link to={`/orders?${v.query}`} aria-current={v.query === query ? "page" : undefined}>{v.name}</Link>
          <button type="button" className="plain" aria-label={t("filter.drop", { name: v.name })} onClick={() => dropView(v.name)}>×</button>
        </span>
      ))}
      {query !== "" && name === null && !views.some((v) => v.query === query) && <Button size="small" onClick={() => setName("")}>{t("filter.save")}</Button>}
      {name !== null && (
        <form className="actions-row" onSubmit={save}>
          <Input size="small" autoFocus aria-label={t("filter.name")} placeholder={t("filter.name")} maxLength={40} value={name} onChange={(e) => setName(e.target.value)} />
          <Button size="small" type="primary" htmlType="submit">{t("filter.save")}</Button>
        </form>
      )}
    </nav>
  );
}
