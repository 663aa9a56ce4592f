import { readFile, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin, type Rolldown } from "vite";
import { VitePWA } from "vite-plugin-pwa";

/** Compresses the built files once, as small as it goes, so that a node never has to. What hardly shrinks stays as it is. */
function precompress(): Plugin {
  let folder = "";
  return {
    name: "precompress",
    apply: "build",
    configResolved: (config) => void (folder = resolve(config.root, config.build.outDir)),
    async closeBundle() {
      const names = await readdir(folder, { recursive: true, withFileTypes: true });
      const files = names.filter((f) => f.isFile() && /\.(js|css|html|svg|json)$/.test(f.name)).map((f) => join(f.parentPath, f.name));
      await Promise.all(files.map(async (file) => {
        const plain = await readFile(file);
        const forms = [
          [".br", await promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })],
          [".gz", await promisify(gzip)(plain, { level: 9 })],
        ] as const;
        for (const [suffix, small] of forms) if (small.length < plain.length * 0.9) await writeFile(file + suffix, small);
      }));
    },
  };
}

/** The files that the handheld's screens begin with: what a device has to keep to work without network. */
const handheld = new Set<string>();

/** Follows the imports from the page and from the handheld's own module. */
function handheldFiles(): Plugin {
  return {
    name: "handheld-files",
    apply: "build",
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((f): f is Rolldown.OutputChunk => f.type === "chunk");
      const waiting = chunks.filter((c) => c.isEntry || c.facadeModuleId?.endsWith("/src/m/Handheld.tsx"));
      for (let chunk = waiting.pop(); chunk; chunk = waiting.pop()) {
        if (handheld.has(chunk.fileName)) continue;
        handheld.add(chunk.fileName);
        chunk.viteMetadata?.importedCss.forEach((css) => handheld.add(css));
        waiting.push(...chunks.filter((c) => chunk.imports.includes(c.fileName)));
      }
    },
  };
}

/** Installable, and there without network; only below /m. The page itself is kept under that address, because the node has no other for it. */
const pwa = VitePWA({
  injectRegister: false,
  registerType: "autoUpdate",
  filename: "sw.js",
  manifestFilename: "handheld.webmanifest",
  manifest: {
    name: "Stowline", short_name: "Stowline", id: "/m", start_url: "/m", scope: "/m", display: "standalone", orientation: "portrait", theme_color: "#0b5c8f", background_color: "#0b5c8f",
    icons: [{ src: "/favicon.svg", sizes: "any", type: "image/svg+xml", purpose: "any" }],
  },
  workbox: {
    // A page that was open before is served from the device too, and so is the one after an update: what it does is in IndexedDB.
    skipWaiting: true,
    clientsClaim: true,
    globPatterns: ["index.html", "favicon.svg", "assets/*.{js,css}"],
    navigateFallback: "/m",
    navigateFallbackAllowlist: [/^\/m\/?$/],
    manifestTransforms: [(entries) => ({
      manifest: entries.filter((e) => !e.url.startsWith("assets/") || handheld.has(e.url)).map((e) => (e.url === "index.html" ? { ...e, url: "/m" } : e)),
      warnings: [],
    })],
  },
});

// A node to develop against: STOWLINE_URL=http://127.0.0.1:5080 npm run dev
const node = process.env["STOWLINE_URL"] ?? "http://127.0.0.1:5080";

export default defineConfig({
  plugins: [react(), handheldFiles(), pwa, precompress()],
  build: { target: "es2023", sourcemap: false, chunkSizeWarningLimit: 1500, reportCompressedSize: false },
  server: {
    proxy: {
      "/api": node,
      "/openapi": node,
      "/docs": node,
      // The node takes WebSockets from its own pages only, so the origin has to be its own.
      "/live": { target: node, ws: true, changeOrigin: true, rewriteWsOrigin: true },
    },
  },
});
