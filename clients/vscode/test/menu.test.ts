import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import type * as vscode from "vscode";

import { FactStore } from "../src/facts";
import { LastEditor } from "../src/lastEditor";
import { Menu } from "../src/menu";
import type { Facts, Model, Why } from "../src/protocol";
import { FACTS, fake, FakeDocument, FakeEditor, FakeServer, model, window } from "./support/fakes";
import { Position } from "./support/vscode";

let server: FakeServer;

beforeEach(() => fake.reset());

function menu(facts: Facts = FACTS, models: Model[] = MODELS, snoozed = false): Menu {
  const why = { models: ["one"] } as Why;
  server = new FakeServer({
    "ensemble.status": facts,
    "ensemble.models": models,
    "ensemble.why": why,
  });
  const store = new FactStore(server.connection);
  return new Menu(server.connection, store, new LastEditor(), () => snoozed);
}

const MODELS = [
  model("one"),
  model("two", { tasks: ["explain", "generate"] }),
  model("three", { available: false, reason: "no key: set X", problem: "key" }),
];

const labels = (): string[] =>
  (fake.offered.at(-1) as vscode.QuickPickItem[]).map(({ label, description }) =>
    `${label} ${description ?? ""}`.trim(),
  );

const pins = (): unknown[] =>
  server.commands.filter(([name]) => name === "ensemble.pin").map(([, argument]) => argument);

test("automatic comes first, with the model that it would ask, and the current one is ticked", async () => {
  const position = new Position(3, 1) as vscode.Position;
  window.activeTextEditor = new FakeEditor(new FakeDocument("x"), position);
  fake.answers.push("one");
  await menu().show();
  assert.equal(labels()[0], "$(check) Automatic would ask one here");
  assert.ok(labels().includes("$(blank) one"));
  assert.ok(!labels().some((label) => label.includes("two")), "it does not complete");
  const [, query] = server.commands.find(([name]) => name === "ensemble.why") ?? [];
  assert.deepEqual(query, {
    uri: "file:///project/app.py",
    position,
    task: "complete",
    unpinned: true,
  });
  assert.deepEqual(pins(), [{ task: "complete", name: "one" }]);
  assert.deepEqual(fake.messages, ["Ensemble: one is pinned for completions"]);
});

test("a pinned model is ticked, and automatic lifts the pin", async () => {
  fake.answers.push("Automatic");
  await menu({ ...FACTS, pins: { complete: "one" } }).show();
  assert.equal(labels()[0], "$(blank) Automatic learns which model is best for your code");
  assert.ok(labels().includes("$(check) one"));
  assert.deepEqual(pins(), [{ task: "complete", name: null }]);
});

test("for all tasks a model is pinned for those that it can do", async () => {
  fake.answers.push("all tasks", "two");
  await menu().chooseTask();
  assert.deepEqual(pins(), [
    { task: "explain", name: "two" },
    { task: "generate", name: "two" },
  ]);
  fake.answers.push("all tasks", "Automatic");
  await menu({ ...FACTS, pins: { generate: "two" } }).chooseTask();
  assert.deepEqual(
    pins(),
    ["complete", "explain", "generate", "edit"].map((task) => ({ task, name: null })),
  );
});

test("each task names the model that it is pinned to", async () => {
  fake.answers.push(undefined);
  await menu({ ...FACTS, pins: { generate: "two" } }).chooseTask();
  const details = (fake.offered.at(-1) as vscode.QuickPickItem[]).map(({ detail }) => detail);
  assert.deepEqual(details, ["automatic", "automatic", "$(pinned) two", "automatic", "automatic"]);
});

test("a model without a key leads to the key", async () => {
  fake.answers.push("three");
  await menu().show();
  assert.ok(labels().includes("$(blank) three $(warning) no key: set X"));
  assert.deepEqual(fake.executed.at(-1), ["ensemble.storeKey"]);
  assert.deepEqual(pins(), []);
});

test("the switches say what is off now", async () => {
  window.activeTextEditor = new FakeEditor(new FakeDocument("x"), new Position(0, 0) as never);
  fake.settings.set("ensemble.complete.disabledLanguages", { globalValue: ["python"] });
  fake.answers.push("Turn completions on for python");
  await menu(FACTS, MODELS, true).show();
  assert.ok(labels().includes("$(circle-slash) Turn completions on for python off now"));
  assert.ok(labels().includes("$(bell) End the snooze"));
  assert.ok(!labels().some((label) => label.includes("Snooze for")));
  assert.deepEqual(fake.executed.at(-1), ["ensemble.toggleLanguage"]);
});

test("the dashboard's entry has the usage", async () => {
  fake.answers.push(undefined);
  const today = { cost: 0.04, inputTokens: 900, outputTokens: 100, models: [] };
  await menu({ ...FACTS, today, dailyBudget: 1 }).show();
  const dashboard = labels().find((label) => label.includes("Dashboard"));
  assert.match(
    dashboard ?? "",
    /today 1,000 tokens, \$0\.04 of \$1\.00 \(4 %\) · this month 0 tokens/,
  );
});
