import type { components } from "./schema";

export type Problem = components["schemas"]["Problem"];

/** An answer that is no success, with the problem document that came with it (RFC 9457). */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** What went wrong as a problem document, also where no answer came at all. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return { type: "about:blank", title: "", status: 0, code: "unreachable", detail: error instanceof Error ? error.message : String(error), trace_id: "" };
}
