import type { Schemas } from "../api/client";

export type Movement = Schemas["MovementView"];

/** What a movement changes at the site as a whole: within it, goods only change their place. */
export const changeOf = (m: Pick<Movement, "from_bin" | "to_bin" | "quantity">) => (m.from_bin === null ? m.quantity : m.to_bin === null ? -m.quantity : 0);

/** What the site had after each movement, given what it has now and the movements from the newest on. */
export function balances(now: number, movements: readonly Movement[]): number[] {
  let balance = now;
  return movements.map((m) => {
    const after = balance;
    balance -= changeOf(m);
    return after;
  });
}
