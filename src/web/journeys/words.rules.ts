import { readFileSync } from "node:fs";
import { expect, test } from "@playwright/test";
import { en } from "../src/i18n/en";
import { ru } from "../src/i18n/ru";
import { event, rejection, summary } from "../src/i18n/told";

// Goal: whatever English says Russian says too. Method: the texts themselves, and the node's own sentences.

function keys(texts: object, path = ""): string[] {
  return Object.entries(texts).flatMap(([k, v]: [string, unknown]) => (typeof v === "string" ? [`${path}${k}`] : keys(v as object, `${path}${k}.`)));
}
const singular = (key: string) => key.replace(/_(one|few|many|other)$/, "");
const holes = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((m) => m[1]).sort();
const text = (texts: object, key: string) => key.split(".").reduce<unknown>((t, k) => (t as Record<string, unknown>)[k], texts) as string;

test("Russian has every text with the same values in it, and every plural form", () => {
  expect([...new Set(keys(ru).map(singular))].sort()).toEqual([...new Set(keys(en).map(singular))].sort());
  for (const key of keys(en)) expect(holes(text(ru, key)), key).toEqual(holes(text(en, key)));
  for (const key of keys(en).filter((k) => k.endsWith("_one")).map(singular))
    expect(keys(ru).filter((k) => singular(k) === key).length, key).toBe(4);
});

test("every event that the node tells in words is told in Russian", () => {
  const source = readFileSync(new URL("../../Stowline/Hub/Ordering/Timeline.cs", import.meta.url), "utf8");
  const types = [...source.matchAll(/^ {8}"([a-z_.]+)" =>/gm)].map((m) => m[1]!);
  expect(types.length).toBeGreaterThan(25);
  for (const type of types) expect(event("ru", { type, summary: "English", data: { parts: [{ site: "WH1" }] } }), type).toMatch(/[а-я]/i);
  expect(event("en", { type: types[0]!, summary: "English", data: {} })).toBe("English");
  expect(event("ru", { type: "newer.event", summary: "newer.event", data: {} })).toBe("newer.event");
});

test("every reason that the router gives is told in Russian", () => {
  const source = readFileSync(new URL("../../Stowline/Hub/Routing/Router.cs", import.meta.url), "utf8");
  const said = [...source.matchAll(/Rejection \?*= \$?"([^"]+)"/g), ...source.matchAll(/[?:] \$?"((?:all|does|not|\{whole)[^"]*)"/g)].map((m) => m[1]!.replace(/{[^}]*}/g, "WH1"));
  const rules = readFileSync(new URL("../../Stowline/Hub/Routing/RuleMatching.cs", import.meta.url), "utf8");
  said.push(...[...rules.matchAll(/"((?:the rule|its distance|farther)[^"]*)"/g)].map((m) => m[1]!.replace(/{[^}]*}/g, "R1")));
  expect(said.length).toBeGreaterThan(8);
  for (const reason of said) expect(rejection("ru", reason), reason).toMatch(/[а-я]/i);
  expect(summary("ru", "WH1: nearest, 3.5 km; not to be had: 2 × A")).toBe("WH1: ближайший, 3.5 км; нет нигде: 2 × A");
  for (const strategy of ["cheapest, 8.60", "fastest, 60 minutes", "least loaded, 1.5 open parts", "most stock"])
    expect(summary("ru", `WH1: ${strategy}; rule nis; not to be had: 2 × A`), strategy).toMatch(/^WH1: [а-я].*; правило nis; нет нигде: 2 × A$/);
  expect(summary("ru", "split over WH1, WH2, because no site has all of it")).toBe("делится между WH1, WH2: всего нет ни на одном складе");
});
