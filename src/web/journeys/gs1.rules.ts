import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { fromBrackets, parseElements, readScan } from "../src/gs1/gs1";

// Goal: codes are read as GS1's own implementation reads them. Method: its test vectors, where they are to be had, and what a handheld meets.

interface Vector {
  kind: string;
  ok: boolean;
  input: string;
  expect?: string | null;
}

const GS = "\u001d";
const shared = process.env["STOWLINE_SHARED"] ?? fileURLToPath(new URL("../../../../shared", import.meta.url));
const file = join(shared, "data", "gs1", "gs1_test_vectors_dev.json");
const vectors = (kind: string) => (JSON.parse(readFileSync(file, "utf8")) as Vector[]).filter((v) => v.kind.startsWith(kind));
const vectorTest = (title: string, body: () => void) => (existsSync(file) ? test(title, body) : test.skip(title, body));

vectorTest("element strings are taken and refused as GS1's vectors say", () => {
  const all = vectors("unbracketed_valid");
  expect(all.length).toBeGreaterThan(50);
  const wrong = all.filter((v) => (v.input.startsWith("^") && parseElements(v.input.replaceAll("^", GS)) !== null) !== v.ok);
  expect(wrong).toEqual([]);
});

vectorTest("printed codes are the element strings that the vectors say", () => {
  const wrong = vectors("bracketed_to_unbracketed").filter((v) => {
    const read = fromBrackets(v.input);
    const good = read !== null && !v.input.includes("^") && parseElements(read) !== null;
    return good !== v.ok || (v.ok && `^${read!.replaceAll(GS, "^")}` !== v.expect);
  });
  expect(wrong).toEqual([]);
});

vectorTest("GS1 scans with a symbology identifier are understood", () => {
  const all = vectors("process_scan_data").filter((v) => /^\](C1|e0|d2|Q3|J1)/.test(v.input) && !v.input.includes("|"));
  expect(all.length).toBeGreaterThan(5);
  const wrong = all.filter((v) => (parseElements(v.input.slice(3)) !== null) !== v.ok);
  expect(wrong).toEqual([]);
});

test("a scan tells product, lot, expiry, serial and count", () => {
  expect(readScan(`]C10104006381333931${"17271200"}10L-7${GS}21S1`)).toMatchObject({ gtin: "04006381333931", lot: "L-7", expires: "2027-12-31", serial: "S1" });
  expect(readScan("(02)04006381333931(37)24(10)AB")).toMatchObject({ gtin: "04006381333931", count: 24, lot: "AB" });
  expect(readScan("00123456789012345675")).toMatchObject({ sscc: "123456789012345675" });
  expect(readScan("4006381333931")).toEqual({ text: "4006381333931", gtin: "04006381333931" });
});

test("what only looks like a code stays text", () => {
  for (const text of ["85123A", "A-01-01", "71053", "4006381333932", "0112345678901234", "(unreadable", "https://example.com"]) expect(readScan(text), text).toEqual({ text });
});
