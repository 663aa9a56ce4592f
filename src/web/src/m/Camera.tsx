import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

/** What Chromium on telephones has built in; TypeScript's library does not know it yet. */
interface Detector {
  detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]>;
}
declare global {
  interface Window {
    BarcodeDetector?: new () => Detector;
  }
}

const LOOK_MS = 200;
/** A code that stays in sight is read once. */
const SAME_MS = 3_000;

/** Looks until it is told to stop. The browser's own reader where there is one, else a library that is loaded then. */
async function look(video: HTMLVideoElement, stream: MediaStream, onText: (text: string) => void): Promise<() => void> {
  if (window.BarcodeDetector) {
    const detector = new window.BarcodeDetector();
    const timer = setInterval(() => void detector.detect(video).then((found) => found.forEach((code) => onText(code.rawValue)), () => undefined), LOOK_MS);
    return () => clearInterval(timer);
  }
  const { BrowserMultiFormatReader } = await import("@zxing/browser");
  const controls = await new BrowserMultiFormatReader(undefined, { delayBetweenScanAttempts: LOOK_MS }).decodeFromStream(stream, video, (result) => result && onText(result.getText()));
  return () => controls.stop();
}

/** The camera as a scanner. It needs a page of https, or of this machine, and somebody's leave. */
export function Camera({ onText, onClose }: { onText: (text: string) => void; onClose: () => void }) {
  const { t } = useTranslation();
  const view = useRef<HTMLVideoElement>(null);
  const [failed, setFailed] = useState(false);
  const last = useRef({ text: "", at: 0 });
  const pass = useEffectEvent((text: string) => {
    const now = performance.now();
    const same = text === last.current.text && now - last.current.at < SAME_MS;
    last.current = { text, at: now };
    if (!same) onText(text);
  });
  useEffect(() => {
    let gone = false;
    let stop = () => {};
    let stream: MediaStream | undefined;
    async function open() {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        const video = view.current;
        if (gone || !video) return stream.getTracks().forEach((track) => track.stop());
        video.srcObject = stream;
        await video.play();
        stop = await look(video, stream, (text) => pass(text));
        if (gone) stop();
      } catch {
        if (!gone) setFailed(true);
      }
    }
    void open();
    return () => {
      gone = true;
      stop();
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, []);
  return (
    <div className="m-camera">
      {failed ? <p role="alert" className="m-alert">{t("work.noCamera")}</p> : <video ref={view} muted playsInline aria-label={t("work.camera")} />}
      <button type="button" onClick={onClose}>{t("work.closeCamera")}</button>
    </div>
  );
}
