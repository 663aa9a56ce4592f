import type { Schemas } from "../api/client";

export type Hook = Schemas["WebhookView"];
export type Delivery = Schemas["DeliveryView"];
export type DeliveryState = Delivery["status"] | "again";

/** `given_up`: the node has switched it off; `off`: somebody has. */
export const stateOf = (hook: Hook) => (!hook.enabled ? (hook.failing_since ? "given_up" : "off") : hook.failing_since ? "failing" : "on");

/** One that was tried and waits for its next time is told from one that has not had its turn yet. */
export const deliveryState = (delivery: Delivery): DeliveryState => (delivery.status === "pending" && delivery.attempts > 0 ? "again" : delivery.status);

/** What came of a test. A failed one is tried again like anything else, but the first answer is what its sender wants to see. */
export const answerTo = (test: Delivery | undefined) => (!test || (test.status === "pending" && test.attempts === 0) ? "waiting" : test.status === "delivered" ? "good" : "bad");

/** What has not had its turn is sent anyway; all else can be sent again, or at once instead of at its time. */
export const canReplay = (delivery: Delivery) => delivery.status !== "pending" || delivery.attempts > 0;

/** The order that a delivery is about: the events of orders and their parts have it as their subject. */
export const orderOf = ({ type, subject }: Delivery) => (/^(order|part)\./.test(type) && /^[0-9a-f-]{36}$/.test(subject) ? subject : null);

/** A moment after now; what lies behind us needs not to be told. */
export const ahead = (time: string | null, now: number) => (time !== null && Date.parse(time) > now ? time : null);

/** What may be asked for, as suggestions: any other name or beginning can be typed. */
export const EVENT_TYPES = [
  "order.*", "order.placed", "order.status_changed", "order.held", "order.released", "order.cancel_requested", "order.priority_changed", "order.rerouted", "order.stuck", "order.unstuck",
  "part.*", "part.assigned", "part.shipped", "part.delivered", "part.cancelled", "part.short",
  "parcel.*", "booking.*", "picking.*", "packing.*", "ticket.*", "transfer.*", "return.*", "stock.*", "alert.*", "*",
] as const;
