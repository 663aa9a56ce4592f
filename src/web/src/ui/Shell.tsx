import { Segmented, Skeleton } from "antd";
import { Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet } from "react-router";
import { keyStore, useKey } from "../api/key";
import { chooseLanguage, languages, type Language } from "../i18n";
import { live } from "../live/liveClient";
import { LiveBadge, StaleAlert } from "./LiveBadge";
import { OrderSearch } from "./OrderSearch";

/** What every screen stands in: name, screens, search, connection, language. */
export function Shell() {
  const { t, i18n } = useTranslation();
  const { key } = useKey();
  useEffect(() => {
    live.start();
    return () => live.stop();
  }, []);
  return (
    <>
      <a className="skip" href="#content">{t("nav.skip")}</a>
      <header className="top">
        <NavLink to="/" className="brand"><img src="/favicon.svg" alt="" width="22" height="22" />Stowline</NavLink>
        <nav aria-label={t("nav.main")} className="screens">
          <NavLink to="/" end>{t("nav.overview")}</NavLink>
          <NavLink to="/orders" end>{t("nav.orders")}</NavLink>
          <NavLink to="/stock">{t("nav.stock")}</NavLink>
          <NavLink to="/pack">{t("nav.pack")}</NavLink>
          <a href="/docs" className="wide-only">{t("nav.api")}</a>
        </nav>
        <OrderSearch />
        <div className="top-end">
          <LiveBadge />
          {key && <button type="button" className="plain wide-only" onClick={() => keyStore.forget()}>{t("key.forget")}</button>}
          <Segmented<Language> size="small" name="language" aria-label={t("language")} value={i18n.language as Language} onChange={(l) => void chooseLanguage(l)}
            options={languages.map((l) => ({ value: l, label: l.toUpperCase() }))} />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <StaleAlert />
        <Suspense fallback={<Skeleton active />}><Outlet /></Suspense>
      </main>
    </>
  );
}
