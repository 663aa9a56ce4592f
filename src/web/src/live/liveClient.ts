import { HubConnectionBuilder, HttpTransportType, LogLevel, type HubConnection } from "@microsoft/signalr";
import { keyStore } from "../api/key";
import type { Problem } from "../api/problem";

/** One call of the node (docs/live.md). `data` is the state after a snapshot, else the event's payload. */
export interface LiveFrame {
  topic: string;
  position: number | string;
  type: string;
  at: string;
  data: unknown;
}

export interface LiveState {
  phase: "connecting" | "live" | "lost" | "refused";
  /** When the connection was lost: what the page shows is as of then. */
  since: number | null;
  /** Why this key may not follow. */
  problem: Problem | null;
}

interface Follower {
  position: number | string | null;
  handlers: Set<(frame: LiveFrame) => void>;
}

const FIRST_DELAY = 250;
const LAST_DELAY = 4000;

/**
 * The page's one connection to /live. It comes back by itself, for as long as the page is open, and asks for each topic from the last position
 * that it saw: whatever happened meanwhile arrives before the state is `live` again.
 */
class LiveClient {
  private connection: HubConnection | null = null;
  private readonly followers = new Map<string, Follower>();
  private readonly listeners = new Set<() => void>();
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private current: LiveState = { phase: "connecting", since: null, problem: null };

  readonly state = () => this.current;

  readonly onState = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  start() {
    if (this.connection === null) this.connect();
  }

  stop() {
    clearTimeout(this.timer);
    const old = this.connection;
    this.connection = null;
    this.failures = 0;
    for (const follower of this.followers.values()) follower.position = null;
    this.say({ phase: "connecting", since: null, problem: null });
    void old?.stop();
  }

  /** Follows a topic: a snapshot first, then every event. */
  follow(topic: string, handler: (frame: LiveFrame) => void): () => void {
    const known = this.followers.get(topic);
    const follower: Follower = known ?? { position: null, handlers: new Set() };
    this.followers.set(topic, follower);
    follower.handlers.add(handler);
    follower.position = null; // one more who needs the snapshot
    if (this.current.phase === "live" && this.connection) void this.subscribe(this.connection, topic, follower).catch(() => undefined);
    return () => {
      follower.handlers.delete(handler);
      if (follower.handlers.size > 0) return;
      this.followers.delete(topic);
      if (this.current.phase === "live") void this.connection?.invoke("Unsubscribe", topic).catch(() => undefined);
    };
  }

  private connect() {
    const connection = new HubConnectionBuilder()
      .withUrl("/live", { transport: HttpTransportType.WebSockets, skipNegotiation: true, accessTokenFactory: () => keyStore.get().key ?? "" })
      .configureLogging(LogLevel.None)
      .build();
    this.connection = connection;
    connection.on("event", (frame: LiveFrame) => this.pass(frame));
    connection.onclose(() => this.lost(connection));
    void this.open(connection);
  }

  private async open(connection: HubConnection) {
    try {
      await connection.start();
      // Whoever begins to follow meanwhile is in the map and gets the turn in this loop or, after it, in follow().
      for (const [topic, follower] of this.followers) await this.subscribe(connection, topic, follower);
      if (this.connection !== connection) return;
      this.failures = 0;
      this.say({ phase: "live", since: null, problem: null });
    } catch {
      if (this.connection !== connection) return;
      const refusal = await refusalOf();
      if (refusal) this.say({ phase: "refused", since: null, problem: refusal });
      else await connection.stop().then(() => this.lost(connection));
    }
  }

  private async subscribe(connection: HubConnection, topic: string, follower: Follower) {
    try {
      await connection.invoke("Subscribe", topic, follower.position);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // The node was restored from a backup and its lane is shorter than what was seen: begin again.
      if (error.message.includes("bad_position")) await connection.invoke("Subscribe", topic, null);
      else if (!error.message.includes("unknown_topic")) throw error;
    }
  }

  private pass(frame: LiveFrame) {
    const follower = this.followers.get(frame.topic);
    if (!follower) return;
    follower.position = frame.position;
    follower.handlers.forEach((handler) => handler(frame));
  }

  private lost(connection: HubConnection) {
    if (this.connection !== connection) return;
    clearTimeout(this.timer);
    this.say({ phase: "lost", since: this.current.since ?? Date.now(), problem: null });
    const delay = Math.min(LAST_DELAY, FIRST_DELAY * 2 ** this.failures++) * (0.75 + Math.random() / 2);
    this.timer = setTimeout(() => this.connect(), delay);
  }

  private say(state: LiveState) {
    this.current = state;
    this.listeners.forEach((l) => l());
  }
}

/** A browser does not say why a WebSocket was refused; the same address without one does. */
async function refusalOf(): Promise<Problem | null> {
  try {
    const { key } = keyStore.get();
    const answer = await fetch("/live", key ? { headers: { Authorization: `Bearer ${key}` } } : {});
    if (answer.status === 401) keyStore.refuse((await answer.json()) as Problem);
    return answer.status === 403 ? ((await answer.json()) as Problem) : null;
  } catch {
    return null;
  }
}

export const live = new LiveClient();
