import { identifiers } from "./ais";

/** The separator as scanners send it, and as GS1's own tools write it. */
const GS = "\u001d";
/** What a scanner puts before the code when it says which symbology it read, and which of those carry GS1 data. */
const SYMBOLOGY = /^\](C1|e0|d2|Q3|J1)/;

const sets: Record<string, string> = { N: "\\d", X: "[!\"%-?A-Z_a-z]", Y: "[#\\-/0-9A-Z]", Z: "[\\-0-9=A-Z_a-z]" };

interface Rule {
  /** One group per component. */
  pattern: RegExp;
  checks: string[][];
  predefined: boolean;
}

const rules = new Map<string, Rule>();
for (const line of identifiers.trim().split("\n")) {
  const [names, spec] = line.split(" | ") as [string, string];
  const parts = spec.replace("*", "").split(" ").map((c) => /^(\[?)([NXYZ])(\.\.)?(\d+)\]?(?:,(.*))?$/.exec(c)!);
  const pattern = parts.map(([, optional, set, upTo, length]) => `(${sets[set!]}{${upTo ? "1," : ""}${length}})${optional ? "?" : ""}`).join("");
  const rule: Rule = { pattern: new RegExp(`^${pattern}$`), checks: parts.map((p) => p[5]?.split(",") ?? []), predefined: spec.startsWith("*") };
  for (const name of names.split(" ")) {
    const [from, to] = name.split("-");
    for (let ai = Number(from); ai <= Number(to ?? from); ai++) rules.set(String(ai).padStart(from!.length, "0"), rule);
  }
}

/** GS1's check digit: weights 3 and 1 from the right. */
function checkDigitFits(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) sum += Number(digits[digits.length - 1 - i]) * (i % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

function dateFits(value: string, dayMayBeZero: boolean): boolean {
  const [month, day] = [Number(value.slice(2, 4)), Number(value.slice(4, 6))];
  if (month < 1 || month > 12) return false;
  return day <= new Date(Date.UTC(yearOf(value), month, 0)).getUTCDate() && (day > 0 || dayMayBeZero);
}

/** Two digits mean the year that is nearest: not more than 49 years ago or 50 ahead. */
function yearOf(value: string, now = new Date()): number {
  const year = Math.floor(now.getUTCFullYear() / 100) * 100 + Number(value.slice(0, 2));
  const ahead = year - now.getUTCFullYear();
  return ahead > 50 ? year - 100 : ahead < -49 ? year + 100 : year;
}

const holds: Record<string, (value: string) => boolean> = {
  csum: checkDigitFits,
  yymmdd: (v) => dateFits(v, false),
  yymmd0: (v) => dateFits(v, true),
  zero: (v) => Number(v) === 0,
  nonzero: (v) => Number(v) !== 0,
};

function fits(ai: string, value: string): boolean {
  const rule = rules.get(ai)!;
  const match = rule.pattern.exec(value);
  return match !== null && rule.checks.every((checks, i) => match[i + 1] === undefined || checks.every((c) => holds[c]?.(match[i + 1]!) ?? true));
}

/**
 * Reads an element string: identifiers and values one behind the other, separated where the length is not predefined. `null` when it is not one.
 * What it does not check: rules between identifiers, and lists of countries and currencies.
 */
export function parseElements(text: string): Map<string, string> | null {
  const found = new Map<string, string>();
  let rest = text.startsWith(GS) ? text.slice(1) : text;
  while (rest !== "") {
    const ai = [2, 3, 4].map((n) => rest.slice(0, n)).find((a) => rules.has(a));
    if (ai === undefined) return null;
    rest = rest.slice(ai.length);
    const rule = rules.get(ai)!;
    const separator = rest.indexOf(GS);
    // A predefined length is that of the longest value that the identifier takes; all of them are made of digits.
    const length = rule.predefined ? Number(/\{(\d+)\}/.exec(rule.pattern.source)![1]) : separator < 0 ? rest.length : separator;
    const value = rest.slice(0, length);
    if (!fits(ai, value)) return null;
    found.set(ai, value);
    rest = rest.slice(length);
    if (rest.startsWith(GS)) rest = rest.slice(1);
  }
  return found.size > 0 ? found : null;
}

/** `(01)…(10)…`, as it is printed below a code, as an element string. */
export function fromBrackets(text: string): string | null {
  const parts = text.startsWith("(") ? text.slice(1).split(/(?<!\\)\(/) : [];
  let elements = "";
  for (const part of parts) {
    const match = /^(\d{2,4})\)(.*)$/s.exec(part);
    const rule = rules.get(match?.[1] ?? "");
    const value = match?.[2]?.replaceAll("\\(", "(") ?? "";
    // Checked here already: a value that is too long would otherwise be read as the beginning of the next one.
    if (!match || !rule || !fits(match[1]!, value)) return null;
    elements += match[1]! + value + (rule.predefined ? "" : GS);
  }
  return elements === "" ? null : elements.replace(new RegExp(`${GS}$`), "");
}

/** What was scanned, and what a GS1 code among it says. */
export interface Scan {
  text: string;
  /** 14 digits. */
  gtin?: string;
  lot?: string;
  serial?: string;
  sscc?: string;
  /** ISO date. A day of 00 is the month's last. */
  expires?: string;
  count?: number;
}

function isoDate(value: string): string {
  const [year, month, day] = [yearOf(value), Number(value.slice(2, 4)), Number(value.slice(4, 6))];
  return new Date(Date.UTC(year, day === 0 ? month : month - 1, day)).toISOString().slice(0, 10);
}

/** Makes sense of a scan. Text that does not look like GS1 stays text, so a SKU that begins with digits is not mistaken for one. */
export function readScan(raw: string): Scan {
  const typed = raw.trim();
  const elements = SYMBOLOGY.test(typed) ? typed.slice(3) : typed.startsWith("(") ? fromBrackets(typed)
    : typed.includes(GS) || /^01\d{14}/.test(typed) || /^00\d{18}$/.test(typed) ? typed : null;
  const found = elements === null ? null : parseElements(elements);
  const text = typed.replace(/^\][A-Za-z]\d/, "");
  if (!found) return /^(\d{8}|\d{12,14})$/.test(text) && checkDigitFits(text) ? { text, gtin: text.padStart(14, "0") } : { text };
  const scan: Scan = { text };
  const [gtin, lot, serial, sscc, expires, count] = [found.get("01") ?? found.get("02"), found.get("10"), found.get("21"), found.get("00"), found.get("17"), found.get("37") ?? found.get("30")];
  if (gtin) scan.gtin = gtin;
  if (lot) scan.lot = lot;
  if (serial) scan.serial = serial;
  if (sscc) scan.sscc = sscc;
  if (expires) scan.expires = isoDate(expires);
  if (count) scan.count = Number(count);
  return scan;
}
