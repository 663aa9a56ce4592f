import { useEffect, useEffectEvent, useSyncExternalStore } from "react";
import { live, type LiveFrame } from "./liveClient";

/** How the connection stands. */
export const useLiveState = () => useSyncExternalStore(live.onState, live.state);

/** Long enough for a burst to become one drawing, short enough to look like at once. */
const TOGETHER_MS = 40;

/** Follows a topic while the component is there. Frames come in order, those of one moment together. */
export function useTopic(topic: string, onFrames: (frames: LiveFrame[]) => void) {
  const pass = useEffectEvent(onFrames);
  useEffect(() => {
    let waiting: LiveFrame[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      const frames = waiting;
      waiting = [];
      timer = undefined;
      pass(frames);
    };
    const leave = live.follow(topic, (frame) => {
      waiting.push(frame);
      timer ??= setTimeout(flush, TOGETHER_MS);
    });
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [topic]);
}
