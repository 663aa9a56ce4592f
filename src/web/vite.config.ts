import { readFile, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

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

// A node to develop against: STOWLINE_URL=http://127.0.0.1:5080 npm run dev
const node = process.env["STOWLINE_URL"] ?? "http://127.0.0.1:5080";

export default defineConfig({
  plugins: [react(), precompress()],
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
