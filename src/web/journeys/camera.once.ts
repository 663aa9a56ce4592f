import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { BarcodeFormat, EncodeHintType, QRCodeWriter } from "@zxing/library";
import { expect, test } from "./fixtures";

const SIZE = 480;

/** A film of one code, as Chromium takes it for a camera: gray pictures (YUV4MPEG2). */
function filmOf(text: string): Buffer {
  const matrix = new QRCodeWriter().encode(text, BarcodeFormat.QR_CODE, SIZE, SIZE, new Map([[EncodeHintType.MARGIN, 6]]));
  const light = Buffer.alloc(SIZE * SIZE);
  for (let y = 0; y < SIZE; y++) for (let x = 0; x < SIZE; x++) light[y * SIZE + x] = matrix.get(x, y) ? 16 : 235;
  const frame = Buffer.concat([Buffer.from("FRAME\n"), light, Buffer.alloc((SIZE * SIZE) / 2, 128)]);
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${SIZE} H${SIZE} F10:1 Ip A1:1 C420jpeg\n`), ...Array<Buffer>(10).fill(frame)]);
}

test("the camera reads what the scanner would", async ({ business }) => {
  const folder = mkdtempSync(join(tmpdir(), "stowline-film-"));
  const film = join(folder, "code.y4m");
  writeFileSync(film, filmOf("85123A"));
  const browser = await chromium.launch({
    executablePath: process.env["STOWLINE_CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`],
  });
  try {
    const page = await (await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "en-GB" })).newPage();
    await page.goto(`${business.node.url}/m`);
    await page.getByLabel("Site").selectOption("WH1"); // when they are there
    await page.getByLabel("Badge").fill("mira");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Look up" }).click();
    await page.getByRole("button", { name: "Camera" }).click();
    await expect(page.getByRole("heading", { name: /White hanging heart/ })).toBeVisible({ timeout: 30_000 });
    await page.getByRole("button", { name: "Close the camera" }).click();
    await expect(page.locator("video")).toHaveCount(0);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
});
