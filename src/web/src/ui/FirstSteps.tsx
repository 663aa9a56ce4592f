import { useTranslation } from "react-i18next";
import { Link } from "react-router";

/** What to do on a node on which nothing has happened yet. */
export function FirstSteps() {
  const { t } = useTranslation();
  const steps = [
    [t("empty.site"), "PUT /api/v1/sites/WH1"],
    [t("empty.product"), "PUT /api/v1/products/MUG"],
    [t("empty.receipt"), "POST /api/v1/sites/WH1/receipts"],
    [t("empty.order"), "POST /api/v1/orders"],
  ] as const;
  return (
    <div className="first-steps">
      <h3>{t("empty.title")}</h3>
      <p>{t("empty.intro")}</p>
      <ol>
        {steps.map(([what, call]) => <li key={call}>{what} <code>{call}</code></li>)}
      </ol>
      <p><Link to="/setup" className="link-strong">{t("setup.guide")}</Link></p>
      <p>{t("empty.demo", { command: "./run --demo" })}</p>
      <p><a href="/docs">{t("empty.reference")}</a></p>
    </div>
  );
}
