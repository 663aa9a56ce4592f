import { useTranslation } from "react-i18next";
import { chooseTheme, useTheme } from "./theme";

/** Changes between light and dark. */
export function ThemeButton({ className }: { className: string }) {
  const { t } = useTranslation();
  const theme = useTheme();
  const label = theme === "dark" ? t("theme.toLight") : t("theme.toDark");
  return <button type="button" className={className} aria-label={label} title={label} onClick={() => chooseTheme(theme === "dark" ? "light" : "dark")}>{theme === "dark" ? "☀" : "☾"}</button>;
}
