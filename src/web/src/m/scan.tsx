import { lazy, Suspense, useEffectEvent, useLayoutEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { readScan, type Scan } from "../gs1/gs1";
import { beep } from "../ui/sound";

/** No scanner needs longer between two keys, not even over a slow radio; after it a text begins anew, so that a stray key spoils nothing. */
const SCANNER_MS = 1_000;
const GS = "\u001d";

/** Hears a scanner that types: characters one behind the other, then Enter, wherever the page is touched last. */
export function useScanner(onScan: (scan: Scan) => void) {
  const pass = useEffectEvent(onScan);
  // Before the page is painted: a scan that follows at once must not lose its first characters.
  useLayoutEffect(() => {
    let text = "";
    let last = 0;
    const hear = (e: KeyboardEvent) => {
      if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement || e.altKey || e.metaKey) return;
      if (e.timeStamp - last > SCANNER_MS) text = "";
      last = e.timeStamp;
      if (e.key === "Enter" && text !== "") {
        e.preventDefault(); // it would press the button that was touched last
        pass(readScan(text));
        text = "";
      } else if (e.ctrlKey && e.key === "]") text += GS; // how a keyboard sends the separator
      else if (e.key.length === 1 && !e.ctrlKey) text += e.key;
    };
    document.addEventListener("keydown", hear, true);
    return () => document.removeEventListener("keydown", hear, true);
  }, []);
}

const Camera = lazy(async () => ({ default: (await import("./Camera")).Camera }));
/** Browsers show cameras only to pages of https, or of this machine. */
const hasCamera = "mediaDevices" in navigator;

/** Where somebody types what the scanner cannot read. The scanner itself needs no field. */
export function ScanField({ label, onScan }: { label: string; onScan: (scan: Scan) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [seen, setSeen] = useState(false);
  useScanner(onScan);
  function enter(e: FormEvent) {
    e.preventDefault();
    if (text.trim() === "") return;
    onScan(readScan(text));
    setText("");
    (document.activeElement as HTMLElement | null)?.blur(); // the next scan belongs to the page again
  }
  return (
    <form className="m-scan" onSubmit={enter}>
      {seen && <Suspense><Camera onText={(code) => onScan(readScan(code))} onClose={() => setSeen(false)} /></Suspense>}
      <label htmlFor="m-scan">{label}</label>
      <div>
        <input id="m-scan" value={text} onChange={(e) => setText(e.target.value)} autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder={t("m.scanHint")} />
        <button type="submit">{t("m.enter")}</button>
        {hasCamera && !seen && <button type="button" onClick={() => setSeen(true)}>{t("work.camera")}</button>}
      </div>
    </form>
  );
}

/** Right is high and short, wrong is low, long and felt: nobody looks at the screen all the time. */
export function feedback(right: boolean) {
  navigator.vibrate?.(right ? 40 : [120, 60, 120]);
  if (right) beep(1400, 0.08);
  else beep(180, 0.35, "square");
}
