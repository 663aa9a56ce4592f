import { useTranslation } from "react-i18next";
import { AtSite } from "../counts/AtSite";
import { TaskList } from "../counts/TaskList";

/** Who is sent to count or to take expired lots away, what came of it, and how the sites count. */
export function Counts() {
  const { t } = useTranslation();
  return (
    <>
      <h1 className="sr-only">{t("nav.counts")}</h1>
      <TaskList />
      <AtSite />
    </>
  );
}
