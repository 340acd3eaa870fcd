import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { duration, StatusItem } from "../src/status";
import { fake, FakeServer, window } from "./support/fakes";

let server: FakeServer;

beforeEach(() => {
  fake.reset();
  server = new FakeServer();
  new StatusItem(server.connection);
});

function item(): NonNullable<typeof fake.statusBarItem> {
  assert.ok(fake.statusBarItem);
  return fake.statusBarItem;
}

function ready(): void {
  server.phases.fire({ phase: "ready", reason: "" });
}

test("each phase has its own text", () => {
  assert.match(item().text, /starting/);
  ready();
  assert.match(item().text, /sparkle.*ready/);
  server.phases.fire({ phase: "missing", reason: "ensemble-lsp is not installed." });
  assert.match(item().text, /install/);
  assert.match(item().tooltip, /not installed/);
  assert.equal(item().backgroundColor?.id, "statusBarItem.warningBackground");
  server.phases.fire({ phase: "failed", reason: "The server stopped." });
  assert.match(item().text, /off/);
  ready();
  assert.equal(item().backgroundColor, undefined);
});

test("a busy server shows the model that is asked", () => {
  ready();
  server.statuses.fire({ state: "busy", task: "complete", model: "gpt" });
  assert.match(item().text, /spin.*gpt/);
  server.statuses.fire({ state: "busy" });
  assert.match(item().text, /working/);
});

test("an idle server shows the last model and its latency", () => {
  ready();
  server.statuses.fire({ state: "idle", task: "complete", model: "gpt", latencyMs: 420 });
  assert.match(item().text, /gpt 420 ms$/);
  // The status of the answer comes after that of the call, without a latency.
  server.statuses.fire({ state: "idle", task: "complete", model: "gpt", acceptRate: 0.42 });
  assert.match(item().text, /gpt 420 ms$/);
  assert.match(item().tooltip, /You accept 42 % of suggestions\./);
  // The latency of one model is not shown for another.
  server.statuses.fire({ state: "idle", task: "complete", model: "claude" });
  assert.match(item().text, /claude$/);
});

test("an offline server warns and explains", () => {
  ready();
  server.statuses.fire({ state: "offline", message: "No model could be reached." });
  assert.match(item().text, /offline/);
  assert.match(item().tooltip, /No model could be reached\./);
  assert.ok(item().backgroundColor);
});

test("the icon says whether completions are on for the active language", () => {
  ready();
  fake.settings.set("ensemble.complete.disabledLanguages", { globalValue: ["python"] });
  window.activeTextEditor = { document: { languageId: "python" } };
  fake.activeEditor.fire(undefined);
  assert.match(item().text, /circle-slash/);
  window.activeTextEditor = { document: { languageId: "go" } };
  fake.activeEditor.fire(undefined);
  assert.match(item().text, /sparkle/);
  fake.settings.set("ensemble.complete.enabled", { globalValue: false });
  fake.configuration.fire({ affectsConfiguration: () => false });
  assert.match(item().text, /sparkle/, "a change of another setting redraws nothing");
  fake.configuration.fire({ affectsConfiguration: (section) => section === "ensemble.complete" });
  assert.match(item().text, /circle-slash/);
});

test("durations are in milliseconds below a second", () => {
  assert.equal(duration(999), "999 ms");
  assert.equal(duration(1250), "1.3 s");
});
