import { useTranslation } from "react-i18next";
import { Guide } from "../setup/Guide";
import { Imports } from "../setup/Imports";
import { Keys } from "../setup/Keys";
import { SiteSettings } from "../setup/SiteSettings";

/** From an empty node to a working one, and what an operator sets afterwards. */
export function Setup() {
  const { t } = useTranslation();
  return (
    <>
      <h1 className="sr-only">{t("setup.title")}</h1>
      <Guide />
      <Imports />
      <SiteSettings />
      <Keys />
    </>
  );
}
