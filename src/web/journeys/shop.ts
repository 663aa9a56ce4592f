import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** A double of a shop, on a port of its own: `PUT /stock/{offer}` sets a quantity, `GET /stock?ids=` tells them. */
export class Shop {
  readonly stock = new Map<string, number>();
  /** Offers whose quantity it will not set. */
  readonly refuses = new Set<string>();
  /** It answers nothing but 503. */
  away = false;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Shop> {
    const server = createServer();
    const shop = new Shop(server);
    server.on("request", (request: IncomingMessage, response) => void shop.answer(request).then(([status, body]) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body))));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return shop;
  }

  private async answer(request: IncomingMessage): Promise<[number, unknown]> {
    const url = new URL(request.url!, "http://shop");
    const content = await textOf(request);
    if (this.away) return [503, { message: "we are closed" }];
    if (request.method === "GET") return [200, { items: url.searchParams.get("ids")!.split(",").map((id) => ({ id, quantity: this.stock.get(id) ?? 0 })) }];
    const offer = decodeURIComponent(url.pathname.slice("/stock/".length));
    if (this.refuses.has(offer)) return [422, { message: "the offer is frozen" }];
    this.stock.set(offer, (JSON.parse(content) as { quantity: number }).quantity);
    return [200, {}];
  }

  /** What an account's settings say of it. */
  get settings() {
    const url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/stock`;
    return {
      mapping: {
        orders: { external_id: ["id"], currency: ["currency"], lines: { path: "lines", sku: ["sku"], quantity: ["quantity"] } },
        stock: { method: "PUT", url: `${url}/{offer}`, body: { quantity: "{quantity}" } },
        read: { url: `${url}?ids={offers}`, items: "items", offer: ["id"], quantity: ["quantity"] },
      },
    };
  }

  async end() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
