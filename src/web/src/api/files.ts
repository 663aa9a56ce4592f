import { keyStore } from "./key";
import { ProblemError, type Problem } from "./problem";

/** Calls whose bodies are files: the typed client is for JSON. */
async function call(path: string, init: RequestInit): Promise<Response> {
  const { key } = keyStore.get();
  const headers = new Headers(init.headers);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  const answer = await fetch(path, { ...init, headers });
  if (!answer.ok) throw new ProblemError((await answer.json()) as Problem);
  return answer;
}

/** Saves an answer of the node as a file. A plain link would not send the key. */
export async function download(path: string, name: string) {
  saveAs(await (await call(path, {})).blob(), name);
}

/** Saves what is here as a file. */
export function saveAs(content: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Sends a file as it is, and reads the answer's JSON. */
export async function upload<T>(path: string, type: string, file: File): Promise<T> {
  return (await call(path, { method: "POST", headers: { "Content-Type": type }, body: file })).json() as Promise<T>;
}
