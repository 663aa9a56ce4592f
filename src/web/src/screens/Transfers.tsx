import { useTranslation } from "react-i18next";
import { NewTransfer } from "../transfers/NewTransfer";
import { TransferList } from "../transfers/TransferList";

/** Units on their way from site to site: asked for, followed, cancelled. */
export function Transfers() {
  const { t } = useTranslation();
  return (
    <>
      <h1 className="sr-only">{t("nav.transfers")}</h1>
      <TransferList />
      <NewTransfer />
    </>
  );
}
