import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Input, Popconfirm, Select } from "antd";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { useKey } from "../api/key";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";
import { ProblemAlert } from "../ui/ProblemAlert";
import { useSites } from "../ui/useSites";

const SCOPES = ["read", "orders", "stock", "tasks", "admin"] as const;
type Scope = (typeof SCOPES)[number] | "site";

/** API keys: made, shown once, revoked. A key that is none for everything does not see this panel's list. */
export function Keys() {
  const { t } = useTranslation();
  const { key } = useKey();
  const keys = useQuery({ queryKey: ["keys"], queryFn: () => body(api.GET("/api/v1/keys")) });
  return (
    <Panel title={t("setup.keys")} flush>
      {keys.error ? <ProblemAlert error={keys.error} /> : keys.data && (
        <>
          {!key && <p className="dim setup-hint">{t("setup.keysOff")}</p>}
          <MakeKey />
          {keys.data.items.length === 0 ? <p className="panel-body">{t("setup.noKeys")}</p> : <Rows keys={keys.data.items} />}
        </>
      )}
    </Panel>
  );
}

function MakeKey() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const sites = useSites();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<(typeof SCOPES)[number][]>(["read"]);
  const [only, setOnly] = useState<string[]>([]);
  const make = useMutation({
    mutationFn: () => body(api.POST("/api/v1/keys", { body: { name: name.trim(), scopes, sites: only.length > 0 ? only : null, sellers: null, tier: null } })),
    onSuccess: () => {
      setName("");
      return queries.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  function enter(e: FormEvent) {
    e.preventDefault();
    make.mutate();
  }
  return (
    <form className="form" onSubmit={enter}>
      <label>{t("setup.keyName")}<Input required value={name} maxLength={64} autoComplete="off" onChange={(e) => setName(e.target.value)} /></label>
      <label className="wide">{t("setup.scopes")}<Select mode="multiple" value={scopes} onChange={setScopes} options={SCOPES.map((s) => ({ value: s, label: t(`setup.scope.${s}`) }))} /></label>
      <label className="wide">{t("setup.keySites")}<Select mode="multiple" value={only} onChange={setOnly} options={sites.map((s) => ({ value: s.code, label: s.code }))} /></label>
      <Button type="primary" htmlType="submit" loading={make.isPending} disabled={scopes.length === 0}>{t("setup.makeKey")}</Button>
      {make.error && <ProblemAlert error={make.error} />}
      {make.data && <Alert className="key-made" role="status" type="success" title={t("setup.keyOnce", { name: make.data.name })} description={<code data-testid="made-key">{make.data.key}</code>} />}
    </form>
  );
}

function Rows({ keys }: { keys: Schemas["KeyView"][] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: (name: string) => api.DELETE("/api/v1/keys/{name}", { params: { path: { name } } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  return (
    <>
      {revoke.error && <ProblemAlert error={revoke.error} />}
      <table className="plain-table">
        <thead><tr><th scope="col">{t("setup.keyName")}</th><th scope="col">{t("setup.scopes")}</th><th scope="col" className="wide-only">{t("setup.limits")}</th><th scope="col" className="wide-only">{t("setup.made")}</th><th scope="col"><span className="sr-only">{t("setup.revoke")}</span></th></tr></thead>
        <tbody>{keys.map((k) => (
          <tr key={k.id}>
            <td>{k.name}</td>
            <td>{k.scopes.map((s) => t(`setup.scope.${s as Scope}`)).join(", ")}</td>
            <td className="wide-only">{[...k.sites, ...k.sellers, ...(k.tier === "default" ? [] : [t("setup.tier", { tier: k.tier })])].join(", ")}</td>
            <td className="wide-only">{format.when(k.created_at)} <span className="dim">{t("setup.by", { who: k.created_by })}</span></td>
            <td className="right">{k.revoked_at ? <span className="dim">{t("setup.revoked")}</span> : (
              <Popconfirm title={t("setup.revokeSure", { name: k.name })} okText={t("setup.revoke")} cancelText={t("actions.close")} onConfirm={() => revoke.mutate(k.name)}>
                <Button size="small" danger>{t("setup.revoke")}</Button>
              </Popconfirm>
            )}</td>
          </tr>
        ))}</tbody>
      </table>
    </>
  );
}
