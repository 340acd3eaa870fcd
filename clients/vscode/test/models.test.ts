import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { addModel, listProviders, modelTemplates, removeModel, showModels } from "../src/models";
import { fake, FakeServer, model, provider } from "./support/fakes";

const ACME = provider("acme", {
  title: "Acme Cloud",
  keyEnv: "ACME_API_KEY",
  defaultBaseUrl: "https://api.acme.example/v1",
  defaultModel: "acme-large",
  needsKey: true,
});
const EMBEDDED = provider("embedded", {
  title: "Embedded",
  keyEnv: "EMBEDDED_TOKEN",
  local: true,
  needsModel: false,
});

beforeEach(() => fake.reset());

const server = (kept: string[] = []): FakeServer =>
  new FakeServer({
    "ensemble.providers": [ACME, EMBEDDED],
    "ensemble.models": [model("recall")],
    "ensemble.addModel": { saved: "/home/me/config.toml", kept },
  });

test("the menu comes from the providers: each, and other servers where there is an address", () => {
  const labels = modelTemplates([ACME, EMBEDDED]).map(({ label }) => label);
  assert.deepEqual(labels, [
    "Acme Cloud",
    "Another server with the protocol of Acme Cloud",
    "Embedded",
  ]);
});

test("a model of a service gets the provider's key variable and its suggested model", async () => {
  const acme = server();
  fake.answers.push("Acme Cloud", "acme-large", "big", "Only for this session");
  await addModel(acme.connection);
  assert.deepEqual(acme.commands.at(-1), [
    "ensemble.addModel",
    {
      name: "big",
      provider: "acme",
      apiKeyEnv: "ACME_API_KEY",
      model: "acme-large",
      save: false,
    },
  ]);
});

test("another server needs an address and a model, and no key", async () => {
  const acme = server();
  const answers = ["Another server", "http://localhost:1/v1", "tiny", "", "tiny", "Save it"];
  fake.answers.push(...answers);
  await addModel(acme.connection);
  assert.deepEqual(acme.commands.at(-1), [
    "ensemble.addModel",
    {
      name: "tiny",
      provider: "acme",
      baseUrl: "http://localhost:1/v1",
      model: "tiny",
      save: true,
    },
  ]);
});

test("a slip in an answer is reported in its own box", async () => {
  const slips: [string[], RegExp][] = [
    [["Another server", " "], /Enter a value/],
    [["Another server", "localhost:1/v1"], /Begin with http/],
    [["Another server", "http://localhost:1/v1", "tiny", "sk-my-key"], /not the key/],
    [["Embedded", "recall"], /a model has this one/],
  ];
  for (const [answers, advice] of slips) {
    fake.answers.push(...answers);
    await assert.rejects(addModel(server().connection), advice);
  }
});

test("a provider that needs no model is asked only for a name", async () => {
  const embedded = server();
  fake.answers.push("Embedded", "mine", "Only for this session");
  await addModel(embedded.connection);
  assert.deepEqual(embedded.commands.at(-1), [
    "ensemble.addModel",
    { name: "mine", provider: "embedded", save: false },
  ]);
});

test("the models that were found and are written with a new one are named", async () => {
  const acme = server(["recall", "qwen"]);
  fake.answers.push("Embedded", "mine", "Save it");
  await addModel(acme.connection);
  assert.match(fake.messages.join(), /kept in config.toml: recall, qwen/);
});

test("an added model is tested, so that a missing key or missing weights are not silent", async () => {
  fake.answers.push("Embedded", "mine", "Only for this session");
  await addModel(server().connection);
  assert.deepEqual(fake.executed, [["ensemble.tryModel", "mine"]]);
});

test("a model of the list is tested, and one without a key leads to its key", async () => {
  const listed = new FakeServer({
    "ensemble.models": [
      model("good"),
      model("keyless", { available: false, reason: "no key: set X", keyVariable: "MINE_KEY" }),
    ],
  });
  for (const answer of ["good", "keyless", "Set up a model"]) {
    fake.answers.push(answer);
    await showModels(listed.connection);
  }
  assert.deepEqual(fake.executed, [
    ["ensemble.tryModel", "good"],
    ["ensemble.storeKey", "MINE_KEY"],
    ["ensemble.setUp"],
  ]);
});

test("a saved model joins those of the user's settings", async () => {
  const acme = server();
  fake.settings.set("ensemble.models", { globalValue: [{ name: "first" }] });
  fake.answers.push("Embedded", "second", "Save it");
  await addModel(acme.connection);
  const names = (): unknown =>
    (fake.settings.get("ensemble.models")?.globalValue as { name: string }[] | undefined)?.map(
      ({ name }) => name,
    );
  assert.deepEqual(names(), ["first", "second"]);
  assert.equal(
    acme.commands.some(([command]) => command === "ensemble.addModel"),
    false,
  );
});

test("leaving any question adds nothing", async () => {
  const all = ["Acme Cloud", "acme-large", "big", "Only for this session"];
  for (let length = 0; length < all.length; length += 1) {
    const acme = server();
    fake.answers.push(...all.slice(0, length), undefined);
    await addModel(acme.connection);
    assert.deepEqual(
      acme.commands.map(([command]) => command),
      ["ensemble.providers", "ensemble.models"],
    );
  }
});

test("a server that cannot list its providers has none", async () => {
  const old = new FakeServer({ "ensemble.providers": new Error("unknown command") });
  assert.deepEqual(await listProviders(old.connection), []);
  assert.deepEqual(await listProviders(server().connection), [ACME, EMBEDDED]);
});

test("a model is removed from where it is configured", async () => {
  const models = [model("mine"), model("theirs")];
  const two = new FakeServer({ "ensemble.models": models });
  fake.settings.set("ensemble.models", { globalValue: [{ name: "mine" }] });
  fake.answers.push("mine");
  await removeModel(two.connection);
  assert.equal(fake.settings.get("ensemble.models")?.globalValue, undefined);
  assert.equal(two.commands.at(-1)?.[0], "ensemble.models");
  fake.answers.push("theirs", "Also remove it from the config file");
  await removeModel(two.connection);
  assert.deepEqual(two.commands.at(-1), ["ensemble.removeModel", { name: "theirs", save: true }]);
});
