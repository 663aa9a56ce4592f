import { Select } from "antd";
import { useTranslation } from "react-i18next";
import { useSites } from "./useSites";

/** One of the sites, or any. One that is asked for by the address and not known is kept. */
export function SiteFilter({ label, value, onChange }: { label: string; value: string | undefined; onChange: (site: string) => void }) {
  const { t } = useTranslation();
  const codes = new Set([...useSites().map((s) => s.code), ...(value ? [value] : [])]);
  return (
    <label>{label}
      <Select showSearch value={value ?? ""} onChange={onChange} popupMatchSelectWidth={false}
        options={[{ value: "", label: t("orders.any") }, ...[...codes].map((code) => ({ value: code, label: code }))]} />
    </label>
  );
}
