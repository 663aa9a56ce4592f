import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  type: string | undefined;
}

/** Somebody who is told by webhooks, on a port of its own: keeps what came and answers as it was told to. */
export class Receiver {
  readonly received: Received[] = [];
  /** What it answers; 503 with an hour to wait, so that nothing is repeated while somebody looks. */
  status = 204;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on("request", (request: IncomingMessage, response) => void receiver.take(request).then(() => {
      response.writeHead(receiver.status, receiver.status === 503 ? { "Retry-After": "3600" } : {});
      response.end(receiver.status === 204 ? undefined : receiver.status === 200 ? "thank you" : "the books are closed");
    }));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return receiver;
  }

  private async take(request: IncomingMessage) {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    this.received.push({ path: request.url!, headers: request.headers, text, type: (JSON.parse(text) as { type?: string }).type });
  }

  url(path: string) {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  /** Those that came to a path, in their order. */
  at(path: string) {
    return this.received.filter((r) => r.path === path);
  }

  async end() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

/** Which of the secrets have signed it, by the words of Standard Webhooks. */
export function signedBy({ headers, text }: Received, secrets: readonly string[]): boolean[] {
  const content = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${text}`;
  const signatures = String(headers["webhook-signature"]).split(" ");
  return secrets.map((secret) => signatures.includes(`v1,${createHmac("sha256", Buffer.from(secret.replace(/^whsec_/, ""), "base64")).update(content).digest("base64")}`));
}
