import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";

/** Numbers, money and times as the chosen language writes them, in the browser's time zone. */
export function useFormat() {
  const { i18n } = useTranslation();
  return useMemo(() => formats(i18n.language), [i18n.language]);
}

function formats(chosen: string) {
  // The browser's own variant of the language, say British English, knows better how dates are written. Clocks have 24 hours everywhere.
  const language = navigator.languages.find((l) => l.startsWith(chosen)) ?? chosen;
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const number = new Intl.NumberFormat(language);
  const time = new Intl.DateTimeFormat(language, { ...clock, second: "2-digit" });
  const minute = new Intl.DateTimeFormat(language, clock);
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
  const date = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
  const today = () => new Date().toDateString();
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  const signed = new Intl.NumberFormat(language, { signDisplay: "exceptZero" });
  return {
    signed: (value: number) => signed.format(value),
    percent: (value: number) => percent.format(value),
    number: (value: number) => number.format(value),
    money: (m: Schemas["Money"]) => new Intl.NumberFormat(language, { style: "currency", currency: m.currency, currencyDisplay: "narrowSymbol" }).format(Number(m.amount)),
    /** The largest unit that fits, rounded down: 90 minutes stay minutes. */
    duration: (ms: number) => {
      const minutes = Math.floor(ms / 60_000);
      const [count, unit] = minutes >= 2880 ? [Math.floor(minutes / 1440), "day"] : minutes >= 120 ? [Math.floor(minutes / 60), "hour"] : [minutes, "minute"];
      return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count);
    },
    time: (at: string | number) => time.format(new Date(at)),
    minute: (at: string | number) => minute.format(new Date(at)),
    date: (at: string) => date.format(new Date(at)),
    /** The time alone for today, else with the day. */
    when: (at: string) => {
      const then = new Date(at);
      return then.toDateString() === today() ? time.format(then) : `${day.format(then)}, ${minute.format(then)}`;
    },
  };
}
