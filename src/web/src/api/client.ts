import createClient, { type Middleware } from "openapi-fetch";
import { keyStore } from "./key";
import { ProblemError, type Problem } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type OrderView = Schemas["OrderView"];
export type OrderStatus = Schemas["OrderStatus"];

async function problemIn(response: Response): Promise<Problem> {
  const type = response.headers.get("Content-Type") ?? "";
  if (type.includes("json")) return (await response.clone().json()) as Problem;
  // Not from the node: a proxy in between.
  return { type: "about:blank", title: response.statusText, status: response.status, code: "", detail: response.url, trace_id: "" };
}

const middleware: Middleware = {
  onRequest({ request }) {
    const { key } = keyStore.get();
    if (key && !request.headers.has("Authorization")) request.headers.set("Authorization", `Bearer ${key}`);
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok) return;
    const problem = await problemIn(response);
    const { key } = keyStore.get();
    // An answer to a key that was exchanged meanwhile says nothing about the present one.
    if (response.status === 401 && request.headers.get("Authorization") === (key ? `Bearer ${key}` : null)) keyStore.refuse(problem);
    throw new ProblemError(problem);
  },
};

/** The API, typed by docs/openapi.json; lists are also to be had as CSV, which is not for screens. Whatever is no success is thrown as a {@link ProblemError}. */
export const api = createClient<paths, "application/json">({ baseUrl: window.location.origin });
api.use(middleware);

/** The body of an answer; refusals have been thrown before. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Error("the answer had no body");
  return data;
}
