// Formats the Neovim plugin with StyLua; with --check it only lists unformatted files.
// This is the WebAssembly package of StyLua: the native ones download a program on installation.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import * as stylua from "@johnnymorganz/stylua";

const PLUGIN = path.join(import.meta.dirname, "..", "..", "neovim");
const ENUMS = { indent_type: stylua.IndentType, quote_style: stylua.QuoteStyle };

/** Parse stylua.toml, which editors read too. It contains only lines of `key = value`. */
function configuration() {
  const config = stylua.Config.new();
  config.syntax = stylua.LuaVersion.LuaJIT;
  for (const line of readFileSync(path.join(PLUGIN, "stylua.toml"), "utf8").split("\n")) {
    if (!line.trim()) continue;
    const [key, value] = line.split("=").map((part) => part.trim());
    const given = ENUMS[key] ? ENUMS[key][JSON.parse(value)] : JSON.parse(value);
    if (!(key in config) || given === undefined) throw new Error(`stylua.toml: ${line}`);
    config[key] = given;
  }
  return config;
}

const check = process.argv.includes("--check");
const files = readdirSync(PLUGIN, { recursive: true }).filter((name) => name.endsWith(".lua"));
const wrong = files.filter((name) => {
  const file = path.join(PLUGIN, name);
  const text = readFileSync(file, "utf8");
  // formatCode consumes the configuration, so each call gets a new one.
  const { Full } = stylua.OutputVerification;
  const formatted = stylua.formatCode(text, configuration(), undefined, Full);
  if (formatted !== text && !check) writeFileSync(file, formatted);
  return formatted !== text;
});
for (const name of wrong) console.log(`${check ? "not formatted" : "formatted"}: ${name}`);
if (check && wrong.length) process.exit(1);
if (!files.length) throw new Error(`no Lua in ${PLUGIN}`);
