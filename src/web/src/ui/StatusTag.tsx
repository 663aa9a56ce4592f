import { useTranslation } from "react-i18next";
import type { OrderStatus } from "../api/client";

/** Where an order or a part stands: color and word, because color alone is not for everybody. */
export function StatusTag({ status }: { status: OrderStatus }) {
  const { t } = useTranslation();
  return <span className={`tag tag-${status}`}>{t(`status.${status}`)}</span>;
}
