import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import type * as vscode from "vscode";

import { LastEditor } from "../src/lastEditor";
import { NextEditSwitch } from "../src/nextEditSwitch";
import { chooseLanguages, snooze, toggleEverywhere, toggleLanguage } from "../src/switches";
import { fake, FakeDocument, FakeServer, window, workspace } from "./support/fakes";

const DISABLED = "ensemble.complete.disabledLanguages";

let nextEdits: NextEditSwitch;

beforeEach(() => {
  fake.reset();
  const kept = new Map<string, unknown>();
  nextEdits = new NextEditSwitch({
    get: (key: string) => kept.get(key),
    update: (key: string, value: unknown) => Promise.resolve(kept.set(key, value)),
  } as unknown as vscode.Memento);
});

const EDITS_ENABLED = "ensemble.nextEdit.enabled";
const EDITS_DISABLED = "ensemble.nextEdit.disabledLanguages";
const value = (key: string): unknown => fake.settings.get(key)?.globalValue;

const disabled = (): unknown => fake.settings.get(DISABLED)?.globalValue;

function editing(language: string): LastEditor {
  window.activeTextEditor = { document: new FakeDocument("", language) };
  const editor = new LastEditor();
  window.activeTextEditor = undefined; // a page has the focus
  fake.activeEditor.fire(undefined);
  return editor;
}

test("a page with the focus: the language of the last editor is meant", async () => {
  const editor = editing("go");
  await toggleLanguage(editor, nextEdits);
  assert.deepEqual(disabled(), ["go"]);
  assert.deepEqual(fake.messages, ["Ensemble: completions and next edits are off for go"]);
  await toggleLanguage(editor, nextEdits);
  assert.equal(disabled(), undefined);
  assert.equal(fake.messages.at(-1), "Ensemble: completions and next edits are on for go");
  assert.equal(fake.settings.get("ensemble.complete.enabled"), undefined);
});

test("without an editor the user is asked, and nothing is turned off", async () => {
  fake.answers.push(undefined);
  await toggleLanguage(new LastEditor(), nextEdits);
  assert.deepEqual(fake.prompts, ["Complete as You Type in Which Languages?"]);
  assert.equal(fake.settings.size, 0);
});

test("a language stays off while all are off, and the message says so", async () => {
  fake.settings.set("ensemble.complete.enabled", { globalValue: false });
  fake.settings.set(DISABLED, { globalValue: ["go"] });
  fake.pressed = "Turn On Everywhere";
  await toggleLanguage(editing("go"), nextEdits);
  assert.match(fake.messages[0] ?? "", /stay off for go, because they are off everywhere/);
  assert.equal(fake.settings.get("ensemble.complete.enabled")?.globalValue, undefined);
});

test("a workspace's settings win, and the message says so", async () => {
  fake.settings.set("ensemble.complete.enabled", { workspaceValue: false });
  fake.pressed = "Open Workspace Settings";
  await toggleEverywhere(nextEdits);
  assert.match(fake.messages[0] ?? "", /^Change the workspace's settings/);
  assert.equal(fake.executed.at(-1)?.[0], "workbench.action.openWorkspaceSettings");
});

test("languages are check boxes: those of open files first, those with completions ticked", async () => {
  fake.settings.set(DISABLED, { globalValue: ["css", "plaintext"] });
  workspace.textDocuments = [new FakeDocument("", "rust")];
  fake.answers.push("python,go,rust,css");
  await chooseLanguages(editing("python"), nextEdits);
  const items = fake.offered.at(-1) as { label: string; picked: boolean }[];
  assert.deepEqual(
    items.map(({ label, picked }) => `${picked ? "+" : "-"}${label}`),
    ["+python", "+rust", "-css", "-plaintext", "+go"],
  );
  assert.deepEqual(disabled(), ["plaintext"]);
  assert.deepEqual(fake.messages, ["Ensemble: completions and next edits are off for plaintext"]);
});

test("a snooze says its end", async () => {
  const until = Date.now() + 300_000;
  const server = new FakeServer({ "ensemble.snooze": { snoozed: true, until } });
  await snooze(server.connection, 5);
  assert.deepEqual(server.commands, [["ensemble.snooze", { minutes: 5 }]]);
  assert.match(fake.messages[0] ?? "", /snoozed until \d/);
  const rest = new FakeServer({ "ensemble.snooze": { snoozed: true, until: null } });
  await snooze(rest.connection);
  assert.deepEqual(rest.commands, [["ensemble.snooze", { untilRestart: true }]]);
  assert.match(fake.messages.at(-1) ?? "", /until the server restarts/);
  const over = new FakeServer({ "ensemble.snooze": { snoozed: false, until: null } });
  await snooze(over.connection, 0);
  assert.match(fake.messages.at(-1) ?? "", /on again/);
});

test("next edits follow the switches of completions", async () => {
  const editor = editing("go");
  await toggleLanguage(editor, nextEdits);
  assert.deepEqual(value(EDITS_DISABLED), ["go"]);
  await toggleLanguage(editor, nextEdits);
  assert.equal(value(EDITS_DISABLED), undefined);
  await toggleEverywhere(nextEdits);
  assert.equal(value(EDITS_ENABLED), false);
  await toggleEverywhere(nextEdits);
  assert.equal(value(EDITS_ENABLED), undefined);
  workspace.textDocuments = [];
  fake.answers.push("python,go");
  await chooseLanguages(editor, nextEdits);
  const off = value(EDITS_DISABLED) as string[];
  assert.deepEqual([...off].sort(), [...(disabled() as string[])].sort());
  fake.answers.push(["python", "go", ...off].join());
  await chooseLanguages(editor, nextEdits);
  assert.deepEqual([value(EDITS_DISABLED), disabled()], [undefined, undefined]);
});

test("next edits that a setting turned off stay off when completions are turned on again", async () => {
  fake.settings.set(EDITS_ENABLED, { globalValue: false });
  fake.settings.set(EDITS_DISABLED, { globalValue: ["go", "css"] });
  const editor = editing("go");
  await toggleLanguage(editor, nextEdits);
  await toggleLanguage(editor, nextEdits);
  await toggleEverywhere(nextEdits);
  await toggleEverywhere(nextEdits);
  assert.deepEqual([value(EDITS_ENABLED), value(EDITS_DISABLED)], [false, ["go", "css"]]);
  assert.equal(disabled(), undefined);
  assert.equal(fake.messages.at(-1), "Ensemble: completions are on");
});

test("of two languages, only the one that a switch turned off comes back", async () => {
  fake.settings.set(EDITS_DISABLED, { globalValue: ["css"] });
  const go = editing("go");
  await toggleLanguage(go, nextEdits);
  await toggleLanguage(go, nextEdits);
  assert.deepEqual(value(EDITS_DISABLED), ["css"]);
});
