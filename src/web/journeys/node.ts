import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const RUN = fileURLToPath(new URL("../../../run", import.meta.url));

// Whatever happens to a journey, its nodes do not outlive the process that started them.
const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

// The doubles of the outside world are on this machine, and what they refuse is not worth minutes of waiting.
const environment = {
  ...process.env, STOWLINE__WEBHOOKS_ALLOW_PRIVATE: "true", STOCK_SYNC_RETRY_MAX_ATTEMPTS: "0",
  DOTNET_ThreadPool_ForceMinWorkerThreads: "20", // in hex: beside a browser the pool grows too late
};

/** Below the range from which the kernel gives ports to whoever asks for any: it is free again after a kill. */
async function freePort(): Promise<string> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => probe.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)));
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return `${port}`;
  }
}

interface Status {
  lanes: { name: string; head: number }[];
  consumers: { lane: string; position: number }[];
}

/** Starts `./run ARGS` and gives the first line of its output that fits. `./run` becomes the node, so its pid is the node's. */
async function start(args: string[], wanted: RegExp): Promise<{ process: ChildProcess; match: RegExpMatchArray }> {
  const child = spawn(RUN, args, { stdio: ["ignore", "pipe", "pipe"], env: environment });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const errors: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => void (errors.length < 200 && errors.push(chunk.toString())));
  for await (const line of createInterface({ input: child.stdout })) {
    const match = line.match(wanted);
    if (match) {
      child.stdout.resume();
      return { process: child, match };
    }
  }
  throw new Error(`./run ${args.join(" ")} ended: ${errors.join("")}`);
}

/** A real node in a process of its own, as a user runs it, with data in a temporary folder. */
export class RunningNode {
  private constructor(private process: ChildProcess, readonly url: string, private readonly data: string, private readonly more: string[], readonly key: string | null) {}

  static async start(auth: "off" | "keys" = "off"): Promise<RunningNode> {
    const data = await mkdtemp(join(tmpdir(), "stowline-web-"));
    const key = auth === "keys" ? await RunningNode.makeKey(data) : null;
    const more = ["--data", data, "--auth", auth];
    const { process, match } = await start(["--port", await freePort(), ...more], /(http:\/\/\S+?)[\s,"]/);
    return new RunningNode(process, match[1]!, data, more, key);
  }

  private static async makeKey(data: string): Promise<string> {
    const { process, match } = await start(["--", "keys", "create", "boss", "--scope", "admin", "--data", data, "--json"], /"key":"([^"]+)"/);
    if (process.exitCode === null) await once(process, "exit");
    return match[1]!;
  }

  /** kill -9: nothing is said to anybody. */
  async kill() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }

  /** On the same data and port. */
  async startAgain() {
    this.process = (await start(["--port", new URL(this.url).port, ...this.more], /(http:\/\/\S+?)[\s,"]/)).process;
  }

  async end() {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }

  /** A call that must succeed. */
  async call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { "Content-Type": "application/json", "Stowline-Actor": "mira", ...(this.key ? { Authorization: `Bearer ${this.key}` } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    if (answer.headers.has("Stowline-Pending")) await this.settle();
    return (text === "" ? {} : JSON.parse(text)) as T;
  }

  /**
   * An answer waits two seconds for what reads behind the write and then says so when it has not come, as happens on a machine that is busy elsewhere. Then the next call waits until
   * it has: as far as the lanes stand now, and for what is written of it on the way.
   */
  private async settle() {
    const status = () => this.call<Status>("GET", "system/status");
    const end = Date.now() + 60_000;
    for (let hop = 0; hop < 3; hop++) {
      const heads = new Map((await status()).lanes.map((l) => [l.name, l.head]));
      while ((await status()).consumers.some((c) => c.position < (heads.get(c.lane) ?? 0)) && Date.now() < end) await setTimeout(50);
    }
  }
}
