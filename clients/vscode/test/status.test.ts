import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { duration } from "../src/duration";
import { FactStore } from "../src/facts";
import { LastEditor } from "../src/lastEditor";
import type { Facts } from "../src/protocol";
import { StatusItem } from "../src/status";
import { FACTS, fake, FakeDocument, FakeServer, FakeShown, settle, window } from "./support/fakes";

let server: FakeServer;
let shown: FakeShown;

beforeEach(() => {
  fake.reset();
  make(FACTS);
});

function make(facts: Facts): void {
  server = new FakeServer({ "ensemble.status": facts, "ensemble.models": [] });
  shown = new FakeShown();
  const store = new FactStore(server.connection);
  new StatusItem(server.connection, shown, store, new LastEditor());
}

function item(): NonNullable<typeof fake.statusBarItem> {
  assert.ok(fake.statusBarItem);
  return fake.statusBarItem;
}

const tip = (): string => item().tooltip.value;

function ready(): void {
  server.phases.fire({ phase: "ready", reason: "" });
}

function open(language: string): void {
  window.activeTextEditor = { document: new FakeDocument("", language) };
  fake.activeEditor.fire(window.activeTextEditor);
}

test("each phase has its own text", () => {
  assert.match(item().text, /starting/);
  ready();
  assert.match(item().text, /sparkle.*ready/);
  server.phases.fire({ phase: "missing", reason: "ensemble-lsp is not installed." });
  assert.match(item().text, /install/);
  assert.match(tip(), /not installed/);
  assert.equal(item().backgroundColor?.id, "statusBarItem.warningBackground");
  server.phases.fire({ phase: "failed", reason: "The server ended." });
  assert.match(item().text, /stopped/);
  assert.match(tip(), /\[Restart\]\(command:ensemble\.restart\)/);
  ready();
  assert.equal(item().backgroundColor, undefined);
});

test("an icon in a model's name is text", () => {
  ready();
  server.statuses.fire({ state: "busy", task: "complete", model: "$(bug) gpt" });
  assert.ok(item().text.endsWith("\\$(bug) gpt"));
});

test("a busy server shows the model that is asked", () => {
  ready();
  server.statuses.fire({ state: "busy", task: "complete", model: "gpt" });
  assert.match(item().text, /spin.*gpt/);
  server.statuses.fire({ state: "busy" });
  assert.match(item().text, /working/);
});

test("the text names the model of the ghost text, while there is ghost text", () => {
  ready();
  server.statuses.fire({ state: "idle", task: "complete", model: "recall", latencyMs: 1 });
  assert.match(item().text, /ready$/, "a call that offers nothing is not on the screen");
  shown.show("gpt");
  assert.match(item().text, /gpt$/, "the latency of another model is not shown");
  server.statuses.fire({ state: "idle", task: "complete", model: "gpt", latencyMs: 420 });
  server.statuses.fire({ state: "idle", task: "complete", model: "gpt", acceptRate: 0.42 });
  assert.match(item().text, /gpt 420 ms$/);
  assert.match(tip(), /You accept 42 % of suggestions\./);
  server.statuses.fire({ state: "busy", task: "complete", model: "claude" });
  assert.match(item().text, /gpt 420 ms$/, "the ghost text stays while the next one is made");
  server.statuses.fire({ state: "idle", task: "complete" });
  shown.show("gpt", "claude");
  assert.match(item().text, /gpt or claude$/, "VS Code does not say which one is on the screen");
  shown.show();
  assert.match(item().text, /ready$/);
  assert.match(tip(), /Last answer \(complete\): gpt, 420 ms/);
});

for (const [problem, text, fix] of [
  ["key", "key rejected", "command:ensemble.storeKey"],
  ["credit", "no credit left", "command:ensemble.menu"],
  ["budget", "budget used up", "command:workbench.action.openSettings"],
  ["limit", "request limit", "command:ensemble.menu"],
  ["offline", "offline", "command:ensemble.showLog"],
  ["model", "model not found", "command:ensemble.openConfig"],
  ["other", "no answer", "command:ensemble.showLog"],
] as const) {
  test(`a failure of the kind ${problem} has its own words and what fixes it`, () => {
    ready();
    const message = "Do this. gpt: the reason.";
    server.statuses.fire({ state: "offline", message, problem });
    assert.ok(item().text.endsWith(`Ensemble: ${text}`), item().text);
    assert.match(tip(), /Do this\. gpt: the reason\./);
    assert.ok(tip().includes(fix), tip());
    assert.ok(item().backgroundColor);
    server.statuses.fire({ state: "busy", task: "complete", model: "gpt" });
    server.statuses.fire({ state: "idle", task: "complete" });
    assert.ok(item().text.endsWith(text), "an end without an answer fixes nothing");
    server.statuses.fire({ state: "idle", task: "complete", model: "gpt" });
    assert.match(item().text, /ready$/);
    assert.equal(item().backgroundColor, undefined);
  });
}

test("a failure that the user has to fix is said although another model answers", () => {
  ready();
  const lasting = { problem: "key", message: "Set a valid key. gpt: no." } as const;
  server.statuses.fire({ state: "idle", task: "complete", model: "recall", ...lasting });
  shown.show("recall");
  assert.match(item().text, /warning.*recall/);
  assert.match(tip(), /Set a valid key\. gpt: no\./);
  assert.match(tip(), /Store a Key/);
});

test("off and snoozed are in the text and in the tooltip", () => {
  ready();
  fake.settings.set("ensemble.complete.disabledLanguages", { globalValue: ["python"] });
  open("python");
  assert.match(item().text, /circle-slash.*off for python$/);
  assert.match(tip(), /completions are off for python/);
  assert.match(tip(), /\[Turn on for python\]\(command:ensemble\.toggleLanguage\)/);
  open("go");
  assert.match(item().text, /sparkle/);
  fake.settings.set("ensemble.complete.enabled", { globalValue: false });
  fake.configuration.fire({ affectsConfiguration: () => false });
  assert.match(item().text, /sparkle/, "a change of another setting redraws nothing");
  fake.configuration.fire({ affectsConfiguration: (section) => section === "ensemble.complete" });
  assert.match(item().text, /circle-slash.*off$/);
  assert.match(tip(), /off everywhere/);
  fake.settings.clear();
  server.statuses.fire({ state: "idle", snoozed: true, snoozedUntil: Date.UTC(2030, 1, 1, 12) });
  assert.match(item().text, /bell-slash.*snoozed until \d/);
  assert.match(tip(), /\[End the snooze\]\(command:ensemble\.endSnooze\)/);
  server.statuses.fire({ state: "idle", snoozed: true });
  assert.match(item().text, /snoozed$/);
  assert.match(tip(), /until the server restarts/);
  server.statuses.fire({ state: "idle" });
  assert.match(item().text, /ready$/);
});

test("a page with the focus changes nothing: the language is that of the last editor", () => {
  ready();
  fake.settings.set("ensemble.complete.disabledLanguages", { globalValue: ["python"] });
  open("python");
  window.activeTextEditor = undefined;
  fake.activeEditor.fire(undefined);
  assert.match(item().text, /off for python$/);
});

test("pins, faults of the settings and usage come from the server", async () => {
  make({
    ...FACTS,
    pins: { complete: "gpt", generate: "claude" },
    dailyBudget: 0.5,
    today: { cost: 0.125, inputTokens: 12000, outputTokens: 300, models: [] },
  });
  ready();
  await settle();
  assert.match(item().text, /pinned.*gpt$/);
  assert.match(tip(), /complete: gpt · generate: claude/);
  assert.match(tip(), /Today: 12,300 tokens, \$0\.13 of \$0\.50 \(25 %\)/);

  make({ ...FACTS, issues: ["config: complete.budgetMs: must be a number"] });
  ready();
  await settle();
  assert.match(item().text, /warning.*check settings$/);
  assert.match(tip(), /budgetMs/);
  assert.match(tip(), /\[Open config\.toml\]\(command:ensemble\.openConfig\)/);
});

test("a name from a provider cannot become a link", async () => {
  ready();
  shown.show("[x](command:evil)");
  await settle();
  assert.ok(!tip().includes("[x](command:evil)"));
  const { enabledCommands } = item().tooltip.isTrusted as { enabledCommands: string[] };
  assert.ok(!enabledCommands.includes("evil"));
});

test("durations are in milliseconds below a second", () => {
  assert.equal(duration(999), "999 ms");
  assert.equal(duration(1250), "1.3 s");
});
