import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const EXTENSION = path.join(__dirname, "..", "..");
const SCRIPT = path.join(EXTENSION, "scripts", "protocol.mjs");

interface Schema {
  $defs: Record<string, unknown>;
}

async function generate(schema: Schema): Promise<string> {
  const script = (await import(pathToFileURL(SCRIPT).href)) as {
    generate(schema: Schema): Promise<string>;
  };
  return script.generate(schema);
}

const THING = {
  title: "Thing",
  type: "object",
  properties: {
    id: { title: "Id", type: "string" },
    place: { $ref: "#/$defs/Place", description: "Where it is." },
    kind: { $ref: "#/$defs/Kind" },
    note: { anyOf: [{ type: "string" }, { type: "null" }], title: "Note", default: null },
  },
  required: ["id", "place"],
};
const SCHEMA: Schema = {
  $defs: {
    Kind: { enum: ["red", "blue"], type: "string" },
    Place: { type: "object", properties: { line: { type: "integer" } }, required: ["line"] },
    AddThingArguments: THING,
    AddThingResult: { type: "array", items: { $ref: "#/$defs/Place" } },
    ForgetArguments: { type: "object", properties: {} },
    DidLookParams: THING,
  },
};

test("a definition becomes one interface, with its optional and nullable fields", async () => {
  const text = await generate(SCHEMA);
  const [, fields] = /export interface AddThingArguments \{([^}]*)\}/.exec(text) ?? [];
  const lines = fields?.split("\n").flatMap((line) => line.trim() || []);
  assert.deepEqual(lines, [
    "id: string;",
    "place: Place;",
    "kind?: Kind;",
    "note?: string | null;",
  ]);
});

test("titles and descriptions beside a reference make no types of their own", async () => {
  const text = await generate(SCHEMA);
  const names = [...text.matchAll(/export (?:interface|type) (\w+)/g)].map(([, name]) => name);
  assert.deepEqual(names.sort(), [
    "AddThingArguments",
    "AddThingResult",
    "Commands",
    "DidLookParams",
    "ForgetArguments",
    "Kind",
    "Notifications",
    "Place",
  ]);
});

test("commands and notifications are found by the names of their definitions", async () => {
  const text = await generate(SCHEMA);
  for (const line of [
    '"ensemble.addThing": { arguments: AddThingArguments; result: AddThingResult };',
    '"ensemble.forget": { arguments: ForgetArguments; result: null };',
    '"ensemble/didLook": DidLookParams;',
    'export const KIND_VALUES: readonly Kind[] = ["red", "blue"];',
  ]) {
    assert.ok(text.includes(line), line);
  }
});

test("the committed types are those of the server's schema", () => {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, "--check"], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
});

test("a changed schema changes the types", async () => {
  const file = path.join(EXTENSION, "..", "..", "docs", "protocol.schema.json");
  const schema = JSON.parse(await readFile(file, "utf8")) as Schema;
  const before = await generate(structuredClone(schema));
  schema.$defs["PingArguments"] = { type: "object", properties: {} };
  const after = await generate(schema);
  assert.notEqual(before, after);
  assert.match(after, /"ensemble\.ping"/);
});
