/** The resolutions of common label printers, in dots per inch. */
export const RESOLUTIONS = [203, 300] as const;
export type Dpi = (typeof RESOLUTIONS)[number];

/** The paper: 4×6 inches, as the node lays labels out. */
const INCHES = { width: 4, height: 6 };

/** The sheet that the node draws, cut into its labels: each is a group of the picture, with its paper as the first rectangle. */
export function labelsOf(sheet: string): SVGElement[] {
  const root = new DOMParser().parseFromString(sheet, "image/svg+xml").documentElement;
  return [...root.children].map((group) => {
    const [picture, label] = [root.cloneNode(false) as SVGElement, group.cloneNode(true) as SVGElement];
    const paper = label.querySelector("rect")!;
    label.removeAttribute("transform");
    picture.setAttribute("viewBox", `0 0 ${paper.getAttribute("width")} ${paper.getAttribute("height")}`);
    picture.append(label);
    return picture;
  });
}

/** A label as a PNG of exactly the dots that a printer of that resolution has for it. The picture is drawn at that size, not scaled to it, so bars and letters are sharp. */
export async function pngOf(label: SVGElement, dpi: Dpi): Promise<Blob> {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [INCHES.width * dpi, INCHES.height * dpi];
  label.setAttribute("width", `${canvas.width}`);
  label.setAttribute("height", `${canvas.height}`);
  const picture = new Image(canvas.width, canvas.height);
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(label))}`;
  await picture.decode();
  const paper = canvas.getContext("2d")!;
  paper.fillStyle = "white";
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(picture, 0, 0);
  const png = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (png === null) throw new Error("the browser made no picture");
  return withResolution(png, dpi);
}

const HEADER = 33; // signature and IHDR, which is always first and of one length
const METER_IN_INCHES = 1 / 0.0254;

/** Says in the file how large it is on paper (pHYs): programs that print it take 96 dots per inch otherwise. */
function withResolution(png: Blob, dpi: number): Blob {
  const chunk = new DataView(new ArrayBuffer(21));
  const perMeter = Math.round(dpi * METER_IN_INCHES);
  chunk.setUint32(0, 9);
  "pHYs".split("").forEach((c, i) => chunk.setUint8(4 + i, c.charCodeAt(0)));
  chunk.setUint32(8, perMeter);
  chunk.setUint32(12, perMeter);
  chunk.setUint8(16, 1); // per meter
  chunk.setUint32(17, crc32(new Uint8Array(chunk.buffer, 4, 13)));
  return new Blob([png.slice(0, HEADER), chunk.buffer, png.slice(HEADER)], { type: "image/png" });
}

/** The checksum of PNG's chunks. */
function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
