import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { en } from "./en";
import { ru } from "./ru";

export const languages = ["en", "ru"] as const;
export type Language = (typeof languages)[number];

const NAME = "stowline.language";
const isLanguage = (text: string | undefined | null): text is Language => languages.includes(text as Language);

/** What the user chose last on this device, else the first of the browser's languages that there is. */
function preferred(): Language {
  const chosen = localStorage.getItem(NAME);
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.map((l) => l.slice(0, 2).toLowerCase()).find(isLanguage) ?? "en";
}

function applied(language: string) {
  document.documentElement.lang = language;
}

export async function startLanguage() {
  i18next.on("languageChanged", applied);
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: en }, ru: { translation: ru } },
    lng: preferred(),
    fallbackLng: "en",
    interpolation: { escapeValue: false }, // React escapes
  });
}

export async function chooseLanguage(language: Language) {
  localStorage.setItem(NAME, language);
  await i18next.changeLanguage(language);
}

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}
