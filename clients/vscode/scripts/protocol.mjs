// Generates src/protocol.generated.ts from the server's JSON Schema of its commands and notifications.
// With --check it writes nothing and fails if the file is out of date.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { compile } from "json-schema-to-typescript";

const EXTENSION = path.join(import.meta.dirname, "..");
const SCHEMA = path.join(EXTENSION, "..", "..", "docs", "protocol.schema.json");
const GENERATED = path.join(EXTENSION, "src", "protocol.generated.ts");

const BANNER =
  "// Generated from docs/protocol.schema.json by `npm run protocol`. Do not edit.\n" +
  "/* eslint-disable */";

/** TypeScript for a schema whose `$defs` follow the server's naming convention. */
export async function generate(schema) {
  const definitions = simplified(schema.$defs);
  const root = "ProtocolDefinitions";
  const types = await compile(
    // The root refers to every definition, so that each is emitted under its own name.
    {
      $defs: definitions,
      type: "object",
      properties: Object.fromEntries(
        Object.keys(definitions).map((name) => [name, { $ref: `#/$defs/${name}` }]),
      ),
    },
    root,
    { additionalProperties: false, bannerComment: BANNER, ignoreMinAndMaxItems: true },
  );
  const withoutRoot = types.replace(new RegExp(`export interface ${root} \\{[^}]*\\}\\n`), "");
  return [withoutRoot, ...constants(definitions), commands(definitions), notifications(definitions)]
    .join("\n")
    .replace(/\n{3,}/g, "\n\n");
}

/**
 * Drop titles, which pydantic gives to every property, and the siblings of a `$ref`: each would
 * become a type of its own.
 */
function simplified(node) {
  if (Array.isArray(node)) return node.map(simplified);
  if (typeof node !== "object" || node === null) return node;
  if (typeof node.$ref === "string") return { $ref: node.$ref };
  const entries = Object.entries(node).filter(
    ([key, value]) => !(key === "title" && typeof value === "string"),
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, simplified(value)]));
}

/** The values of each enumeration, for code that iterates over them. */
function constants(definitions) {
  return Object.entries(definitions)
    .filter(([, definition]) => definition.enum)
    .map(
      ([name, definition]) =>
        `export const ${name.toUpperCase()}_VALUES: readonly ${name}[] = ${list(definition.enum)};\n`,
    );
}

const list = (values) => `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;

/** `XArguments` and `XResult` belong to the command `ensemble.x`. */
function commands(definitions) {
  const entries = Object.keys(definitions)
    .filter((name) => name.endsWith("Arguments"))
    .map((name) => {
      const command = name.slice(0, -"Arguments".length);
      const result = `${command}Result` in definitions ? `${command}Result` : "null";
      return `  "ensemble.${camelCase(command)}": { arguments: ${name}; result: ${result} };`;
    });
  return declaration("The server's commands.", "Commands", entries);
}

/** `XParams` belong to the notification `ensemble/x`. */
function notifications(definitions) {
  const entries = Object.keys(definitions)
    .filter((name) => name.endsWith("Params"))
    .map((name) => `  "ensemble/${camelCase(name.slice(0, -"Params".length))}": ${name};`);
  return declaration("The server's own notifications.", "Notifications", entries);
}

const camelCase = (name) => name[0].toLowerCase() + name.slice(1);

const declaration = (comment, name, entries) =>
  `/** ${comment} */\nexport interface ${name} {\n${entries.join("\n")}\n}\n`;

async function main() {
  const generated = await generate(JSON.parse(await readFile(SCHEMA, "utf8")));
  if (!process.argv.includes("--check")) {
    await writeFile(GENERATED, generated);
    return;
  }
  if ((await readFile(GENERATED, "utf8").catch(() => "")) !== generated) {
    console.error("src/protocol.generated.ts is out of date; run `npm run protocol`.");
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
