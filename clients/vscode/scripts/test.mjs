// Bundles the unit tests and runs them with Node's test runner. `vscode` exists only inside VS Code, so
// it is resolved to the fake in test/support/vscode.ts, for the client library as well.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import path from "node:path";

import { build } from "esbuild";

const EXTENSION = path.join(import.meta.dirname, "..");
const OUT = path.join(EXTENSION, "build", "test");
const FAKES = path.join(OUT, "fakes");

const common = {
  absWorkingDir: EXTENSION,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  packages: "external",
  sourcemap: "inline",
  logLevel: "warning",
};

rmSync(OUT, { recursive: true, force: true });
const tests = readdirSync(path.join(EXTENSION, "test")).filter((name) => name.endsWith(".test.ts"));
await build({ ...common, entryPoints: tests.map((name) => `test/${name}`), outdir: OUT });
await build({
  ...common,
  entryPoints: ["test/support/vscode.ts"],
  outdir: FAKES,
  // The client library extends many classes of VS Code that no test needs.
  footer: {
    js: "module.exports = new Proxy(module.exports, { get: (o, k) => (k in o ? o[k] : class {}) });",
  },
});

const files = tests.map((name) => path.join(OUT, name.replace(/\.ts$/, ".js")));
const { status } = spawnSync(
  process.execPath,
  ["--enable-source-maps", "--test", ...process.argv.slice(2), ...files],
  { stdio: "inherit", env: { ...process.env, NODE_PATH: FAKES } },
);
process.exitCode = status ?? 1;
