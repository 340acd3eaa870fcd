import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type * as vscode from "vscode";

import { KeyStore } from "../src/keys";
import { fake, model, provider } from "./support/fakes";

let secrets: Map<string, string>;
let state: Map<string, unknown>;
let keys: KeyStore;

beforeEach(() => {
  fake.reset();
  secrets = new Map();
  state = new Map();
  keys = new KeyStore(
    {
      get: (name: string) => Promise.resolve(secrets.get(name)),
      store: (name: string, value: string) => Promise.resolve(void secrets.set(name, value)),
      delete: (name: string) => Promise.resolve(void secrets.delete(name)),
    } as unknown as vscode.SecretStorage,
    {
      get: (name: string, fallback: unknown) => state.get(name) ?? fallback,
      update: (name: string, value: unknown) => Promise.resolve(void state.set(name, value)),
    } as unknown as vscode.Memento,
  );
});

const OTHER = provider("other", { keyEnv: "OTHER_API_KEY" });
const PROVIDERS = [
  provider("acme", { keyEnv: "ACME_API_KEY" }),
  provider("local", { keyEnv: null, local: true }),
];

test("a key is stored and passed to the server's environment", async () => {
  fake.answers.push("ACME_API_KEY", "  secret  ");
  assert.equal(await keys.promptAndStore(PROVIDERS, []), "ACME_API_KEY");
  assert.deepEqual(await keys.environment(), { ACME_API_KEY: "secret" });
  assert.equal(JSON.stringify([...state.values()]).includes("secret"), false);
});

test("the variables offered are those that models read and the providers' usual ones", async () => {
  const models = [
    model("mine", { keyVariable: "MINE_KEY", available: false }),
    model("local"),
    model("big", { keyVariable: "ACME_API_KEY", keySource: "environment variable ACME_API_KEY" }),
    model("small", { keyVariable: "ACME_API_KEY" }),
  ];
  fake.answers.push(undefined);
  assert.equal(await keys.promptAndStore([...PROVIDERS, OTHER], models), undefined);
  const offered = (fake.offered[0] ?? []) as { label: string; detail?: string }[];
  assert.deepEqual(
    offered.map(({ label, detail }) => [label, detail]),
    [
      ["MINE_KEY", "Missing: read by mine"],
      ["ACME_API_KEY", "Read by big"],
      ["OTHER_API_KEY", "The usual variable of other"],
      ["$(edit) Another variable…", undefined],
    ],
  );
});

test("a named variable is not asked for", async () => {
  fake.answers.push("secret");
  assert.equal(await keys.promptAndStore([], [], "NAMED_KEY"), "NAMED_KEY");
  assert.deepEqual(await keys.environment(), { NAMED_KEY: "secret" });
  assert.equal(await keys.promptAndRemove("NAMED_KEY"), true);
  assert.deepEqual(await keys.environment(), {});
});

test("without a running server the user can still name a variable", async () => {
  fake.answers.push("Another variable", "OTHER_TOKEN", "secret");
  assert.equal(await keys.promptAndStore([], []), "OTHER_TOKEN");
  assert.deepEqual(await keys.environment(), { OTHER_TOKEN: "secret" });
});

test("a variable must be one for a key", async () => {
  for (const name of ["PATH", "PYTHONPATH", "A-KEY", "1_KEY"]) {
    fake.answers.push("Another variable", name);
    await assert.rejects(keys.promptAndStore([], []), /KEY or TOKEN/, name);
  }
});

test("a key must be one word of printable characters", async () => {
  for (const key of [" ", "two words", "tab\there"]) {
    fake.answers.push("ACME_API_KEY", key);
    await assert.rejects(keys.promptAndStore(PROVIDERS, []), /Enter the key/, JSON.stringify(key));
  }
  assert.equal(secrets.size, 0);
});

test("cancelling stores nothing", async () => {
  fake.answers.push("ACME_API_KEY", undefined);
  assert.equal(await keys.promptAndStore(PROVIDERS, []), undefined);
  assert.deepEqual(keys.names(), []);
});

test("a removed key is gone from the storage and the environment", async () => {
  fake.answers.push("ACME_API_KEY", "one", "Another variable", "OTHER_KEY", "two");
  await keys.promptAndStore(PROVIDERS, []);
  await keys.promptAndStore(PROVIDERS, []);
  fake.answers.push("ACME_API_KEY");
  assert.equal(await keys.promptAndRemove(), true);
  assert.deepEqual(await keys.environment(), { OTHER_KEY: "two" });
  assert.deepEqual([...secrets.keys()], ["OTHER_KEY"]);
});

test("with no key stored there is nothing to remove", async () => {
  assert.equal(await keys.promptAndRemove(), false);
  assert.match(fake.messages[0] ?? "", /no stored API keys/);
});
