import type { Schemas } from "../api/client";

/**
 * The node tells events and decisions in English sentences. English shows them as they are; Russian is told from the same data. What is not
 * known here (a newer node wrote it) stays as the node said it.
 */
type Data = Record<string, unknown>;

const text = (value: unknown) => (typeof value === "string" || typeof value === "number" ? String(value) : "");
const list = (value: unknown) => (Array.isArray(value) ? (value as Data[]) : []);
const units = (lines: unknown) => list(lines).reduce((sum, line) => sum + Number(line["quantity"] ?? 0), 0);
const after = (value: unknown, before: string) => (text(value) ? before + text(value) : "");

const statuses: Record<string, string> = {
  backorder: "ждёт товара", allocated: "распределён", picking: "в отборе", packing: "в упаковке", ready: "готов", shipped: "отгружен",
  delivered: "доставлен", cancelling: "отменяется", cancelled: "отменён",
};

const transferStatuses: Record<string, string> = {
  requested: "запрошено", picking: "в отборе", packing: "в упаковке", ready: "готово", in_transit: "в пути", received: "принято", cancelling: "отменяется", cancelled: "отменено",
  short: "отправить нечего",
};

const stuckReasons: Record<string, string> = {
  not_picked: "отбор не начат", picking_slow: "отбор идёт слишком долго", packing_slow: "упаковка идёт слишком долго", not_shipped: "готов, но не отгружен",
  cancel_unanswered: "на отмену нет ответа", backorder_old: "слишком долго ждёт товара", task_not_started: "задание не начато", no_progress: "работа не движется",
  no_dimensions: "нет размеров упаковки", parked: "событие ждёт оператора", reservation_expired: "резерв истёк, но не снят",
};

const russianEvents: Record<string, (d: Data) => string> = {
  "order.placed": (d) => `Заказ ${text(d["number"])} принят: ${units(d["lines"])} шт. в ${list(d["lines"]).length} поз.; ${summary("ru", text((d["decision"] as Data | undefined)?.["summary"]))}`,
  "order.status_changed": (d) => `Заказ ${statuses[text(d["to"])] ?? text(d["to"])} (был ${statuses[text(d["from"])] ?? text(d["from"])})`,
  "order.cancel_requested": (d) => `Запрошена отмена: ${text(d["reason"])}`,
  "order.held": (d) => `Приостановлен${after(d["reason"], ": ")}`,
  "order.released": () => "Снова в работе",
  "order.priority_changed": (d) => `Приоритет: ${text(d["priority"])}`,
  "order.stuck": (d) => `Застрял: ${stuckReasons[text(d["reason"])] ?? text(d["reason"])}${after(d["site"], ", ")}`,
  "order.unstuck": (d) => `Больше не стоит: ${stuckReasons[text(d["reason"])] ?? text(d["reason"])}${after(d["site"], ", ")}`,
  "order.rerouted": (d) => `${text(d["cause"])}: ${list(d["parts"]).map((p) => (p["site"] ? `${units(p["lines"])} шт. теперь со склада ${text(p["site"])}` : `${units(p["lines"])} шт. ждут товара`)).join(", ")}`,
  "order.shipped_after_all": (d) => `Склад ${text(d["site"])} был списан, но отгрузил часть ${text(d["part"])}: ${units(d["lines"])} шт.${(d["asked_back"] as unknown[] | undefined)?.length ? `; отзываются части: ${(d["asked_back"] as unknown[]).map(text).join(", ")}` : ""}`,
  "order.doubled": (d) => (d["other"] ? `${units(d["lines"])} шт. ${d["left"] === false ? "в работе" : "отгружено"} дважды: тот же внешний номер у заказа ${text(d["other"])}` : `Отгружено дважды: лишних ${units(d["lines"])} шт.`),
  "part.assigned": (d) => `Часть ${text(d["part"])} передана складу: ${units(d["lines"])} шт.`,
  "part.cancel_requested": (d) => `Часть ${text(d["part"])} отзывается: ${text(d["reason"])}`,
  "part.cancelled": (d) => `Часть ${text(d["part"])} возвращена: ${units(d["lines"])} шт.${d["put_back_task_id"] ? ", отобранное ждёт возврата в ячейки" : ""}`,
  "part.cancel_refused": (d) => `Часть ${text(d["part"])} вернуть нельзя: ${text(d["reason"])}`,
  "part.held": (d) => `Часть ${text(d["part"])} приостановлена`,
  "part.released": (d) => `Часть ${text(d["part"])} снова в работе`,
  "part.priority_changed": (d) => `Приоритет части ${text(d["part"])}: ${text(d["priority"])}`,
  "part.short": (d) => `В части ${text(d["part"])} не хватает ${units(d["lines"])} шт.: ${text(d["reason"])}`,
  "part.shipped": (d) => `Отгружено: ${text(d["carrier"])}, трек-номер ${text(d["tracking_number"])}`,
  "part.delivered": (d) => `Часть ${text(d["part"])} доставлена: ${text(d["carrier"])}, трек-номер ${text(d["tracking_number"])}`,
  "booking.requested": (d) => `Бронь ${text(d["number"])}: перевозка заказывается у ${((d["carriers"] as unknown[] | undefined) ?? []).map(text).join(", иначе у ")}`,
  "booking.confirmed": (d) => `Перевозка заказана: ${text(d["carrier"])}, трек-номер ${text(d["tracking_number"])}`,
  "booking.fell_back": (d) => `${text(d["from"])} ${d["reason"] === "refused" ? "не берёт посылку" : "недоступен"}; запрос к ${text(d["to"])}`,
  "booking.failed": (d) => (d["reason"] === "unsure" ? `${text(d["carrier"])}, возможно, взял посылку: ответ потерян` : "Посылку не берёт ни один перевозчик"),
  "booking.cancelled": (d) => `Бронь ${text(d["number"])} отменена: ${text(d["reason"])}`,
  "parcel.moved": (d) => `Посылка в пути: ${text(d["carrier"])}, ${text(d["status"])}`,
  "picking.created": (d) => `Создано задание на отбор ${text(d["number"])}: ${list(d["items"]).length} поз.`,
  "picking.assigned": (d) => `Задание на отбор ${text(d["number"])} назначено: ${text(d["worker"])}`,
  "picking.started": (d) => `Отбор начат${after(d["worker"], ": ")}`,
  "picking.item_picked": (d) => `Отобрано ${text(d["quantity"])} шт. (позиция ${text(d["item"])})`,
  "picking.item_skipped": (d) => `Позиция ${text(d["item"])} пропущена: ${text(d["reason"])}`,
  "picking.extended": (d) => `Добавлено позиций: ${list(d["items"]).length}; пробуются другие ячейки`,
  "picking.completed": (d) => `Отбор завершён: отобрано ${text(d["picked_units"])}, не хватило ${text(d["short_units"])}`,
  "picking.cancelled": (d) => `Отбор отменён: ${text(d["reason"])}`,
  "packing.created": (d) => `Создано задание на упаковку ${text(d["number"])}`,
  "packing.started": (d) => `Упаковка начата: ${text(d["worker"])}`,
  "packing.package_added": (d) => `Место ${text(d["package"])}: ${text(d["packaging_type"])}, ${text(d["weight_g"])} г`,
  "packing.package_changed": (d) => `Место ${text(d["package"])} теперь: ${text(d["packaging_type"])}, ${text(d["weight_g"])} г`,
  "packing.completed": (d) => `Упаковано, мест: ${text(d["packages"])}`,
  "packing.cancelled": (d) => `Упаковка отменена: ${text(d["reason"])}`,
  "ticket.ordered": (d) => `Передано на кухню: ${list(d["items"]).length} поз., на экране с ${text(d["visible_at"])}`,
  "ticket.cancel_requested": (d) => `Просьба не готовить: ${text(d["reason"])}`,
  "ticket.received": (d) => `Тикет ${text((d["ticket"] as Data | undefined)?.["number"])} ждёт своего времени`,
  "ticket.shown": (d) => `Тикет ${text((d["ticket"] as Data | undefined)?.["number"])} на экране`,
  "ticket.moved": (d) => `Тикет ${text(d["number"])}: ${text(d["to"])} (был ${text(d["from"])})${d["action"] === "recall" ? ", возвращён" : ""}`,
  "ticket.item_done": (d) => `Позиция ${text(d["item"])} готова: ${text(d["station"])}`,
  "ticket.assigned": (d) => `Тикет ${text(d["number"])} взял: ${text(d["worker"])}`,
  "ticket.changed": (d) => (d["priority"] ? `Приоритет тикета: ${text(d["priority"])}` : d["on_hold"] === true ? "Тикет приостановлен" : "Тикет снова в работе"),
  "ticket.cancelled": (d) => `Тикет ${text(d["number"])} снят: ${text(d["reason"])}`,
  "ticket.cancel_refused": (d) => `Снять тикет уже нельзя: ${text(d["reason"])}`,
  "transfer.requested": (d) => `Перемещение ${text(d["number"])} с ${text(d["from"])} на ${text(d["to"])}: ${units(d["lines"])} шт.`,
  "transfer.cancel_requested": (d) => `Запрошена отмена: ${text(d["reason"])}`,
  "transfer.status_changed": (d) => `Перемещение: ${transferStatuses[text(d["to"])] ?? text(d["to"])} (было: ${transferStatuses[text(d["from"])] ?? text(d["from"])})`,
  "transfer.announced": (d) => `В пути ${units(d["lots"])} шт.: ${text(d["carrier"])}, трек-номер ${text(d["tracking_number"])}`,
  "transfer.received": (d) => `Принято ${units(d["lots"])} шт.${d["complete"] === true ? "; больше ничего не придёт" : ""}`,
  "transfer.closed": (d) => (units(d["missing"]) + units(d["surplus"]) === 0 ? "Пришло полностью" : `Пришло: не хватает ${units(d["missing"])} шт., лишних ${units(d["surplus"])} шт.`),
  "quote.ordered": (d) => `Заказано по расчёту ${text(d["number"])}`,
  "return.received": (d) => `Принят возврат ${text(d["number"])}: ${text(d["reason"])}`,
};

/** An event of a timeline, in one sentence. */
export function event(language: string, item: Pick<Schemas["TimelineItem"], "type" | "summary" | "data">): string {
  return (language === "ru" && russianEvents[item.type]?.((item.data ?? {}) as Data)) || item.summary;
}

const russianReasons: [RegExp, string][] = [
  [/^not active$/, "не работает"],
  [/^the customer picks up at (.+)$/, "покупатель забирает заказ в $1"],
  [/^has none of it free$/, "свободного нет"],
  [/^all sites together have too little$/, "не хватает и на всех складах вместе"],
  [/^does not have all of it$/, "есть не всё"],
  [/^(.+) comes first$/, "раньше идёт $1"],
  [/^the rule (.+) does not allow it$/, "не разрешён правилом $1"],
  [/^the rule (.+) excludes it$/, "исключён правилом $1"],
  [/^the rule allows no more sites for one order$/, "больше складов на один заказ правило не разрешает"],
  [/^its distance is not known$/, "расстояние до него неизвестно"],
  [/^farther than (.+) km$/, "дальше $1 км"],
  [/^not needed for the split$/, "для деления не понадобился"],
];

const translated = (rules: [RegExp, string][], said: string) => {
  const rule = rules.find(([pattern]) => pattern.test(said));
  return rule ? said.replace(rule[0], rule[1]) : said;
};

/** Why a site was not chosen. */
export const rejection = (language: string, said: string) => (language === "ru" ? translated(russianReasons, said) : said);

const russianSummaries: [RegExp, string][] = [
  [/^no site can serve it/, "ни один склад не может его исполнить"],
  [/^split over (.+), because no site has all of it/, "делится между $1: всего нет ни на одном складе"],
  [/^([^:]+): the customer picks up there/, "$1: покупатель забирает там"],
  [/^([^:]+): nearest, ([\d.]+) km/, "$1: ближайший, $2 км"],
  [/^([^:]+): the only site that has it/, "$1: есть только там"],
  [/^([^:]+): most stock/, "$1: самый большой остаток"],
  [/^([^:]+): cheapest, ([\d.]+)/, "$1: самый дешёвый, $2"],
  [/^([^:]+): fastest, ([\d.]+) minutes/, "$1: самый быстрый, $2 мин"],
  [/^([^:]+): least loaded, ([\d.]+) open parts/, "$1: наименее загружен, в работе $2"],
];

/** What was decided, in one sentence. */
export function summary(language: string, said: string): string {
  return language === "ru" ? translated(russianSummaries, said).replace(/; rule (?=[^;]+)/, "; правило ").replace("; not to be had:", "; нет нигде:") : said;
}

const russianHookReasons: [RegExp, string][] = [
  [/^switched off by /, "выключил "],
  [/^the endpoint answered 410 Gone/, "адрес ответил 410 Gone, ему больше ничего не нужно"],
  [/^nothing was delivered for (\d+) days: /, "за $1 дней ничего не доставлено: "],
];
const russianHookErrors: [RegExp, string][] = [
  [/answered with a redirect, which is not followed/, "ответ с перенаправлением, за которым не идут"],
  [/answered with (\d+)/, "ответ $1"],
  [/no answer within (\d+) s/, "нет ответа за $1 с"],
  [/the event is larger than (\d+) bytes/, "событие больше $1 байт"],
];

/** Why a webhook was switched off, or did not take something. What the system said of a connection stays as it is. */
export const hookReason = (language: string, said: string) => (language === "ru" ? translated(russianHookErrors, translated(russianHookReasons, said)) : said);
