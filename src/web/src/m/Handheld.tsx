import { lazy, Suspense, useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body, type Schemas } from "../api/client";
import { useKey } from "../api/key";
import { chooseLanguage } from "../i18n";
import { ThemeButton } from "../ui/ThemeButton";
import { LookUp } from "./LookUp";
import { Moving } from "./Moving";
import { OutboxView } from "./OutboxView";
import { outbox, useOutbox } from "./outbox";
import { Picking } from "./Picking";
import { readKept } from "./reads";
import { Receive } from "./Receive";
import { sessionStore, useHash, useSession } from "./session";
import "./m.css";

// Only where the node asks for a key, and then there is network.
const KeyScreen = lazy(async () => ({ default: (await import("../ui/KeyScreen")).KeyScreen }));

const TABS = ["pick", "look", "stock", "receive"] as const;

/** The screens for one hand and a scanner. They work without network: see docs/web.md. */
export function Handheld() {
  const { t } = useTranslation();
  const { refused } = useKey();
  const session = useSession();
  const hash = useHash();
  useEffect(() => {
    document.title = `${t("m.title")} · Stowline`;
    void outbox.open();
    void navigator.serviceWorker?.register("/sw.js", { scope: "/m" });
  }, [t]);
  if (refused) return <Suspense><KeyScreen /></Suspense>;
  if (!session) return <SignIn />;
  const tab = TABS.find((name) => hash.startsWith(name)) ?? (hash === "outbox" ? "outbox" : "pick");
  return (
    <div className="m">
      <Top worker={session.worker} site={session.site} />
      <main className="m-main">
        {tab === "pick" && <Picking session={session} open={hash.split("/")[1]} />}
        {tab === "look" && <LookUp key={session.site} site={session.site} />}
        {tab === "stock" && <Moving key={session.site} session={session} />}
        {tab === "receive" && <Receive session={session} />}
        {tab === "outbox" && <OutboxView />}
      </main>
      <nav className="m-tabs" aria-label={t("nav.main")}>
        {TABS.map((name) => <a key={name} href={`#${name}`} aria-current={name === tab ? "page" : undefined}>{t(`m.tab.${name}`)}</a>)}
      </nav>
    </div>
  );
}

function Top({ worker, site }: { worker: string; site: string }) {
  const { t } = useTranslation();
  const { actions, reachable } = useOutbox();
  const refused = actions.filter((a) => a.refused).length;
  const state = refused > 0 ? t("m.refused", { count: refused }) : actions.length > 0 ? t("m.waiting", { count: actions.length }) : t("m.sent");
  return (
    <header className="m-top">
      <h1>{site} <span>{worker}</span></h1>
      <a href="#outbox" className={refused > 0 ? "m-bad" : reachable ? "" : "m-warn"}><span role="status" data-testid="outbox">{!reachable && `${t("m.offline")} · `}{state}</span></a>
      <button type="button" className="m-plain" onClick={() => sessionStore.set(null)}>{t("m.signOut")}</button>
    </header>
  );
}

/** A badge is text that a scanner types; the node knows whose it is. */
function SignIn() {
  const { t, i18n } = useTranslation();
  const [worker, setWorker] = useState("");
  const [site, setSite] = useState(() => localStorage.getItem("stowline.handheld.site") ?? "");
  const [sites, setSites] = useState<Schemas["SiteView"][]>();
  useEffect(() => {
    void readKept("sites", async () => (await body(api.GET("/api/v1/sites", { params: { query: { limit: 200 } } }))).items)
      .then((kept) => setSites((kept?.value ?? []).filter((s) => s.active && s.type !== "kitchen" && s.type !== "workshop")), () => setSites([]));
  }, []);
  const chosen = site || sites?.[0]?.code || "";
  function enter(e: FormEvent) {
    e.preventDefault();
    if (worker.trim() === "" || chosen === "") return;
    localStorage.setItem("stowline.handheld.site", chosen);
    sessionStore.set({ worker: worker.trim(), site: chosen });
  }
  return (
    <main className="m m-signin">
      <h1>Stowline</h1>
      <form onSubmit={enter}>
        <label htmlFor="m-site">{t("m.site")}</label>
        <select id="m-site" value={chosen} onChange={(e) => setSite(e.target.value)}>
          {sites?.map((s) => <option key={s.code} value={s.code}>{s.code} · {s.name}</option>)}
        </select>
        <label htmlFor="m-badge">{t("m.badge")}</label>
        <input id="m-badge" value={worker} onChange={(e) => setWorker(e.target.value)} autoFocus autoComplete="off" autoCapitalize="off" spellCheck={false} maxLength={64} />
        <button type="submit" className="m-primary" disabled={worker.trim() === "" || chosen === ""}>{t("m.signIn")}</button>
      </form>
      <ThemeButton className="m-plain" />
      <button type="button" className="m-plain" onClick={() => void chooseLanguage(i18n.language === "ru" ? "en" : "ru")}>{i18n.language === "ru" ? "English" : "Русский"}</button>
    </main>
  );
}
