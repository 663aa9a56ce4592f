import type { Schemas } from "../api/client";
import type { LiveFrame } from "../live/liveClient";

export type Ticket = Schemas["TicketView"];
export type Stage = { name: string; phase: Schemas["TicketPhase"] };

export interface KitchenNow {
  stages: readonly Stage[];
  /** On the screen, the most urgent first, then by slot. */
  tickets: readonly Ticket[];
  /** What was told of but is not here, as a ticket that was handed over and is recalled: to be read. */
  missing: readonly string[];
  /** Tickets that came since the snapshot: each is a sound. */
  arrived: number;
}

/** A ticket as events tell of it: what is null is left out. */
interface Facts extends Omit<Partial<Ticket>, "items"> {
  ticket_id: string;
  items: (Omit<Ticket["items"][number], "done" | "size" | "extras"> & { size?: string; extras?: Schemas["SkuUnits"][] })[];
}

interface Told {
  ticket_id: string;
  order_id: string;
  ticket: Facts;
  to: string;
  phase: Stage["phase"];
  item: number;
  worker: string;
  priority?: Ticket["priority"];
  on_hold?: boolean;
  estimated_ready_at?: string;
}

const urgency: Record<Ticket["priority"], number> = { urgent: 0, high: 1, normal: 2, low: 3 };
/** What a cook calls it. The menu puts the size into the name of a variant already. */
export const nameOf = (item: Ticket["items"][number]) => (item.size && !item.name.endsWith(` ${item.size}`) ? `${item.name} ${item.size}` : item.name);
/** When it came onto the screen: an order for a slot that is near comes later than its ticket might have been seen. */
export const seenSince = (t: Ticket) => Math.max(Date.parse(t.visible_at), Date.parse(t.created_at));
const due = (t: Ticket) => t.slot_start ?? t.visible_at;
/** Times of one form are in order as texts; what a language says about order does not matter and takes much longer. */
const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const byUrgency = (a: Ticket, b: Ticket) => urgency[a.priority] - urgency[b.priority] || byText(due(a), due(b)) || a.number - b.number;

function put(now: KitchenNow, ticket: Ticket): KitchenNow {
  const tickets = [...now.tickets.filter((t) => t.id !== ticket.id), ticket].sort(byUrgency);
  return { ...now, tickets, missing: now.missing.filter((id) => id !== ticket.id) };
}

const without = (now: KitchenNow, id: string): KitchenNow => ({ ...now, tickets: now.tickets.filter((t) => t.id !== id), missing: now.missing.filter((m) => m !== id) });
const change = (now: KitchenNow, fits: (t: Ticket) => boolean, part: (t: Ticket) => Partial<Ticket>): KitchenNow =>
  ({ ...now, tickets: now.tickets.map((t) => (fits(t) ? { ...t, ...part(t) } : t)).sort(byUrgency) });

function moved(now: KitchenNow, told: Told, at: string): KitchenNow {
  if (told.phase === "done") return without(now, told.ticket_id);
  if (!now.tickets.some((t) => t.id === told.ticket_id)) return now.missing.includes(told.ticket_id) ? now : { ...now, missing: [...now.missing, told.ticket_id] };
  return change(now, (t) => t.id === told.ticket_id, () => ({ stage: told.to, phase: told.phase, stage_at: at, estimated_ready_at: told.estimated_ready_at ?? null }));
}

function fromFacts(f: Facts, at: string, site: string): Ticket {
  return {
    number: 0, order_number: 0, display_id: "", stage: "", phase: "waiting", priority: "normal", slot_start: null, slot_end: null, note: null, visible_at: at, order_id: "",
    ...f, id: f.ticket_id, site, status: "active", on_hold: false, worker: null, estimated_ready_at: null, created_at: at, stage_at: at, ended_at: null,
    items: f.items.map((i) => ({ ...i, size: i.size ?? null, extras: i.extras ?? null, done: false })),
  };
}

/** A ticket that was read because an event told of one that is not here. */
export const withRead = (now: KitchenNow, ticket: Ticket): KitchenNow => (ticket.status === "active" ? put(now, ticket) : without(now, ticket.id));

/** The screen after one more frame of `kitchen/{site}`. Pure, so that a lost connection changes nothing: the frames are the same. */
export function kitchenNow(now: KitchenNow | undefined, frame: LiveFrame): KitchenNow | undefined {
  if (frame.type === "snapshot") {
    const { stages, tickets } = frame.data as { stages: Stage[]; tickets: Ticket[] };
    return { stages, tickets: [...tickets].sort(byUrgency), missing: [], arrived: now?.arrived ?? 0 };
  }
  if (!now) return now;
  const told = frame.data as Told;
  switch (frame.type) {
    case "ticket.shown": return { ...put(now, fromFacts(told.ticket, frame.at, frame.topic.slice("kitchen/".length))), arrived: now.arrived + 1 };
    case "ticket.moved": return moved(now, told, frame.at);
    case "ticket.item_done": return change(now, (t) => t.id === told.ticket_id, (t) => ({ items: t.items.map((i) => (i.item === told.item ? { ...i, done: true } : i)) }));
    case "ticket.assigned": return change(now, (t) => t.id === told.ticket_id, () => ({ worker: told.worker }));
    case "ticket.changed": return change(now, (t) => t.order_id === told.order_id, (t) => ({ priority: told.priority ?? t.priority, on_hold: told.on_hold ?? t.on_hold }));
    case "ticket.cancelled": return without(now, told.ticket_id);
    default: return now;
  }
}

const LATE_SOON_MS = 5 * 60_000;
/** Where there are no slots: a ticket that is on the screen for this long is late. */
const PATIENCE_MS = 20 * 60_000;

/** How a ticket stands against the time that was promised. */
export function ageOf(ticket: Ticket, time: number): "calm" | "soon" | "late" {
  const end = ticket.slot_end ? Date.parse(ticket.slot_end) : seenSince(ticket) + PATIENCE_MS;
  return ticket.phase === "ready" ? "calm" : time > end ? "late" : time > end - LATE_SOON_MS ? "soon" : "calm";
}

/** What is still to be made of everything on the screen, the most of it first. */
export function allDay(tickets: readonly Ticket[]): { name: string; quantity: number }[] {
  const sums = new Map<string, number>();
  for (const ticket of tickets.filter((t) => t.phase !== "ready" && !t.on_hold))
    for (const item of ticket.items.filter((i) => !i.done)) {
      sums.set(nameOf(item), (sums.get(nameOf(item)) ?? 0) + item.quantity);
    }
  return [...sums].map(([name, quantity]) => ({ name, quantity })).sort((a, b) => b.quantity - a.quantity || a.name.localeCompare(b.name));
}
