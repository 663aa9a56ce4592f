import { useTranslation } from "react-i18next";
import { Link, useRouteError } from "react-router";

/** A screen that broke, or an address without one. The others go on. */
export function RouteProblem() {
  const { t } = useTranslation();
  const error = useRouteError();
  return (
    <main className="key-screen">
      <h1>{error ? t("problem.failed") : t("problem.notFound")}</h1>
      {error instanceof Error && <p>{error.message}</p>}
      <Link to="/">{t("problem.home")}</Link>
    </main>
  );
}
