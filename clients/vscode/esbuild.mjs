// Bundles the extension (for Node) and the dashboard's page (for a browser) into dist/, with the README.
import { readFile, writeFile } from "node:fs/promises";

import { build } from "esbuild";

const common = { bundle: true, minify: true, outdir: "dist", logLevel: "warning" };

await build({
  ...common,
  entryPoints: ["src/extension.ts"],
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
});
await build({
  ...common,
  entryPoints: ["src/webview/dashboard.ts", "src/webview/dashboard.css"],
  platform: "browser",
  target: "es2022",
  format: "iife",
});

// VS Code's page of an extension loads no picture from a relative path.
const readme = await readFile("README.md", "utf8");
await writeFile("dist/README.md", readme.replace(/^!\[.*\n\n?/gm, ""));
