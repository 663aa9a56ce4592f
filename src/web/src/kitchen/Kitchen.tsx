import { useQuery, useQueryClient } from "@tanstack/react-query";
import { memo, startTransition, useCallback, useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams, useSearchParams } from "react-router";
import { api, body } from "../api/client";
import type { en } from "../i18n/en";
import { live } from "../live/liveClient";
import { useLiveState, useTopic } from "../live/useLive";
import { LiveBadge, StaleAlert } from "../ui/LiveBadge";
import { ThemeButton } from "../ui/ThemeButton";
import { ProblemAlert } from "../ui/ProblemAlert";
import { beep } from "../ui/sound";
import { ageOf, allDay, kitchenNow, nameOf, seenSince, withRead, type KitchenNow, type Stage, type Ticket } from "./kitchenNow";
import "./kitchen.css";

const TICK_MS = 5_000;
/** So many tickets have a number key. Of the others nothing shows their place, so they are not drawn again when it changes. */
const KEYS = 9;
const NONE: readonly Ticket[] = [];

/** The screen above the stove: everything that is to be made now, readable from three meters, worked by touch or by number keys. */
export function Kitchen() {
  const { t } = useTranslation();
  const { site = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const { phase } = useLiveState();
  const [now, setNow] = useState<KitchenNow>();
  useEffect(() => {
    document.title = `${site} · Stowline`;
    live.start();
    return () => live.stop();
  }, [site]);
  useTopic(`kitchen/${site}`, useCallback((frames) => setNow((state) => frames.reduce(kitchenNow, state)), []));
  useMissing(now, setNow);
  const time = useTime();
  const [sound, setSound] = useArrivalSound(now?.arrived ?? 0);
  const { bump, bumpItem, recall, last, error } = useBumps(now?.stages ?? []);

  const station = params.get("station");
  const all = now?.tickets ?? NONE;
  const stations = useMemo(() => [...new Set(all.flatMap((x) => x.items.map((i) => i.station)))].sort(), [all]);
  const tickets = useMemo(() => (station === null ? all : all.filter((x) => x.items.some((i) => i.station === station && !i.done))), [all, station]);
  const sums = useMemo(() => allDay(tickets), [tickets]);
  useKeys(tickets, bump, recall);
  const choose = (name: string | null) => setParams(name === null ? {} : { station: name }, { replace: true });
  return (
    <div className={phase === "lost" ? "k k-stale" : "k"}>
      <header className="k-top">
        <h1>{site}</h1>
        <span className="k-open">{t("kitchen.open", { count: tickets.length })}</span>
        {stations.length > 1 && (
          <div role="group" aria-label={t("kitchen.stations")} className="k-stations">
            <button type="button" aria-pressed={station === null} onClick={() => choose(null)}>{t("kitchen.all")}</button>
            {stations.map((s) => <button key={s} type="button" aria-pressed={station === s} onClick={() => choose(s)}>{s}</button>)}
          </div>
        )}
        <div className="k-end">
          <button type="button" aria-pressed={sound} onClick={() => setSound(!sound)}>{t("kitchen.sound")}</button>
          <button type="button" disabled={!last} onClick={recall}>{last ? t("kitchen.recall", { id: last.display_id }) : t("kitchen.recallNone")}</button>
          <ThemeButton className="k-theme" />
          <LiveBadge />
        </div>
      </header>
      <StaleAlert />
      {error !== null && <ProblemAlert error={error} />}
      <Stops site={site} />
      <main className="k-main">
        {now && tickets.length === 0 && <p className="k-none">{t("kitchen.none")}</p>}
        <ul className="k-board" aria-label={t("kitchen.tickets")}>
          {tickets.map((ticket, i) => (
            <TicketCard key={ticket.id} ticket={ticket} place={i < KEYS ? i + 1 : null} station={station} age={ageOf(ticket, time)} minutes={Math.max(0, Math.floor((time - seenSince(ticket)) / 60_000))}
              next={nextOf(now?.stages ?? [], ticket)?.name} onBump={bump} onItem={bumpItem} />
          ))}
        </ul>
        {tickets.length > 0 && (
          <aside className="k-day" aria-label={t("kitchen.allDay")}>
            <h2>{t("kitchen.allDay")}</h2>
            <ul>{sums.map((d) => <li key={d.name}><b>{d.quantity}</b> {d.name}</li>)}</ul>
          </aside>
        )}
      </main>
    </div>
  );
}

const nextOf = (stages: readonly Stage[], ticket: Ticket) => stages[stages.findIndex((s) => s.name === ticket.stage) + 1];

function useStageName() {
  const { t } = useTranslation();
  return (name: string) => t(`kitchen.stage.${name as keyof (typeof en)["kitchen"]["stage"]}`, { defaultValue: name });
}

/** Ages are told in minutes, so a ticket is drawn again only when its own have changed. */
function useTime() {
  const [time, setTime] = useState(() => Date.now());
  useEffect(() => {
    // Once a minute every age changes: drawn in small pieces, so that a bump never waits for it.
    const timer = setInterval(() => startTransition(() => setTime(Date.now())), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return time;
}

/** Reads what an event told of and the screen does not have. */
function useMissing(now: KitchenNow | undefined, setNow: (change: (now: KitchenNow | undefined) => KitchenNow | undefined) => void) {
  const wanted = now?.missing[0];
  useEffect(() => {
    if (wanted === undefined) return;
    void body(api.GET("/api/v1/tickets/{key}", { params: { path: { key: wanted } } })).then((ticket) => setNow((state) => state && withRead(state, ticket)), () => undefined);
  }, [wanted, setNow]);
}

function useArrivalSound(arrived: number) {
  const [on, setOn] = useState(() => localStorage.getItem("stowline.kitchen.sound") !== "off");
  const heard = useRef(arrived);
  useEffect(() => {
    if (on && arrived > heard.current) beep(880, 0.35);
    heard.current = arrived;
  }, [arrived, on]);
  const set = (next: boolean) => {
    localStorage.setItem("stowline.kitchen.sound", next ? "on" : "off");
    setOn(next);
  };
  return [on, set] as const;
}

/** A bump names the stage that it means, so two hands on one ticket do not move it twice. */
function useBumps(stages: readonly Stage[]) {
  const [last, setLast] = useState<Ticket | null>(null);
  const [error, setError] = useState<unknown>(null);
  async function run(work: () => Promise<unknown>) {
    setError(null);
    await work().catch(setError);
  }
  const bump = useEvent((ticket: Ticket) => void run(async () => {
    const stage = nextOf(stages, ticket);
    if (!stage) return;
    await api.POST("/api/v1/tickets/{key}/bump", { params: { path: { key: ticket.id } }, body: { stage: stage.name } });
    setLast(ticket);
  }));
  const bumpItem = useEvent((ticket: Ticket, item: number) => void run(() => api.POST("/api/v1/tickets/{key}/items/{item}/bump", { params: { path: { key: ticket.id, item: String(item) } } })));
  const recall = useEvent(() => void (last && run(async () => {
    await api.POST("/api/v1/tickets/{key}/recall", { params: { path: { key: last.id } } });
    setLast(null);
  })));
  return { bump, bumpItem, recall, last, error };
}

/** One function for all drawings that always calls the newest one: cards that have not changed are not drawn again because of it. */
function useEvent<A extends unknown[]>(handler: (...args: A) => void) {
  const newest = useRef(handler);
  useEffect(() => void (newest.current = handler));
  return useCallback((...args: A) => newest.current(...args), []);
}

/** A bump bar is a keyboard: 1 to 9 for the first nine tickets, Backspace to recall. */
function useKeys(tickets: readonly Ticket[], bump: (ticket: Ticket) => void, recall: () => void) {
  const pressed = useEffectEvent((e: KeyboardEvent) => {
    if (e.repeat || e.ctrlKey || e.altKey || e.metaKey) return;
    const ticket = /^[1-9]$/.test(e.key) ? tickets[Number(e.key) - 1] : undefined;
    if (ticket) bump(ticket);
    else if (e.key === "Backspace") recall();
  });
  useEffect(() => {
    const hear = (e: KeyboardEvent) => pressed(e);
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, []);
}

interface CardProps {
  ticket: Ticket;
  place: number | null;
  station: string | null;
  age: "calm" | "soon" | "late";
  minutes: number;
  next: string | undefined;
  onBump: (ticket: Ticket) => void;
  onItem: (ticket: Ticket, item: number) => void;
}

const TicketCard = memo(function TicketCard({ ticket, place, station, age, minutes, next, onBump, onItem }: CardProps) {
  const { t } = useTranslation();
  const stageName = useStageName();
  return (
    <li className={`k-ticket k-${ticket.phase === "ready" ? "ready" : age}`} data-testid={`ticket-${ticket.display_id}`}>
      <header>
        <strong>{ticket.display_id}</strong>
        <span>{t("kitchen.minutes", { count: minutes })}{age === "late" && <> · {t("kitchen.late")}</>}</span>
        {ticket.priority !== "normal" && <b>{t(`priority.${ticket.priority}`)}</b>}
        {ticket.on_hold && <b>{t("order.onHold")}</b>}
      </header>
      <ul>
        {ticket.items.map((i) => (
          <li key={i.item}>
            <button type="button" className={i.done ? "k-item k-done" : station !== null && i.station !== station ? "k-item k-other" : "k-item"} disabled={i.done} onClick={() => onItem(ticket, i.item)}>
              <b>{i.quantity}</b> <span>{nameOf(i)}{i.extras?.map((x) => <em key={x.sku}>+ {x.quantity > 1 ? `${x.quantity} ` : ""}{x.sku}</em>)}</span>
              {i.done && <span className="sr-only">{t("kitchen.done")}</span>}
            </button>
          </li>
        ))}
      </ul>
      {ticket.note && <p className="k-note">{ticket.note}</p>}
      {next !== undefined && <button type="button" className="k-bump" onClick={() => onBump(ticket)}><span>{place !== null && <kbd>{place}</kbd>} {stageName(ticket.stage)}</span><b>→ {stageName(next)}</b></button>}
    </li>
  );
});

/** What is off: nobody may cook it, and the hub sells none. */
function Stops({ site }: { site: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: ["stops", site],
    queryFn: () => body(api.GET("/api/v1/sites/{code}/stops", { params: { path: { code: site } } })),
  });
  useTopic(`kitchen/${site}`, (frames) => {
    if (frames.some((f) => f.type.startsWith("dish."))) void queries.invalidateQueries({ queryKey: ["stops", site] });
  });
  if (!data || data.items.length === 0) return null;
  return <p className="k-stops" role="status"><b>{t("kitchen.off")}</b> {data.items.map((s) => s.sku).join(", ")}</p>;
}
