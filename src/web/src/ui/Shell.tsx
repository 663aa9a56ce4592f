import { Segmented, Skeleton } from "antd";
import { Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet, useLocation, useParams } from "react-router";
import { keyStore, useKey } from "../api/key";
import { chooseLanguage, languages, type Language } from "../i18n";
import { live } from "../live/liveClient";
import { LiveBadge, StaleAlert } from "./LiveBadge";
import { OrderSearch } from "./OrderSearch";
import { ThemeButton } from "./ThemeButton";
import { useSites } from "./useSites";

/** What every screen stands in: name, screens, search, connection, language. */
export function Shell() {
  const { t, i18n } = useTranslation();
  const { key } = useKey();
  const params = useParams();
  const sites = useSites();
  // The plan of the site that one looks at, else of the first warehouse.
  const floor = params["site"] ?? sites.find((s) => s.type === "warehouse" && s.active)?.code ?? sites[0]?.code;
  useEffect(() => {
    live.start();
    return () => live.stop();
  }, []);
  const { pathname } = useLocation();
  useEffect(() => {
    // On a telephone the screens do not fit beside each other; the one that is open must not be the one that is cut off.
    document.querySelector(".screens [aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [pathname]);
  return (
    <>
      <a className="skip" href="#content">{t("nav.skip")}</a>
      <header className="top">
        <NavLink to="/" className="brand"><img src="/favicon.svg" alt="" width="22" height="22" />Stowline</NavLink>
        <nav aria-label={t("nav.main")} className="screens">
          <NavLink to="/" end>{t("nav.overview")}</NavLink>
          <NavLink to="/orders" end>{t("nav.orders")}</NavLink>
          <NavLink to="/stock">{t("nav.stock")}</NavLink>
          <NavLink to="/counts">{t("nav.counts")}</NavLink>
          <NavLink to="/transfers">{t("nav.transfers")}</NavLink>
          {floor && <NavLink to={`/floor/${encodeURIComponent(floor)}`}>{t("nav.floor")}</NavLink>}
          <NavLink to="/pack">{t("nav.pack")}</NavLink>
          <NavLink to="/routing">{t("nav.routing")}</NavLink>
          <NavLink to="/links">{t("nav.links")}</NavLink>
          <NavLink to="/channels">{t("nav.channels")}</NavLink>
          <NavLink to="/webhooks">{t("nav.webhooks")}</NavLink>
          <NavLink to="/setup">{t("nav.setup")}</NavLink>
          <a href="/docs" className="wide-only">{t("nav.api")}</a>
        </nav>
        <OrderSearch />
        <div className="top-end">
          <LiveBadge />
          <ThemeButton className="plain theme" />
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
