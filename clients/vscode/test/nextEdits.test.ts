import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import * as vscode from "vscode";

import { snooze } from "../src/nextEditCommands";
import { NextEdits } from "../src/nextEdits";
import { Suggestions } from "../src/suggestions";
import {
  fake,
  FakeDocument,
  FakeEditor,
  FakeServer,
  TabInputTextDiff,
  window,
} from "./support/fakes";

mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });

/** Let promises settle; the timers are mocked. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Document extends FakeDocument {
  readonly eol = vscode.EndOfLine.LF;
  get lineCount(): number {
    return this.text.split("\n").length;
  }
  lineAt(line: number): { text: string; range: vscode.Range } {
    const text = this.text.split("\n")[line]!;
    return { text, range: new vscode.Range(line, 0, line, text.length) };
  }
  override getText(range?: vscode.Range): string {
    if (!range) return this.text;
    return this.text.slice(this.offsetAt(range.start), this.offsetAt(range.end));
  }
}

class Editor extends FakeEditor {
  readonly options = { tabSize: 4 };
  drawn = new Map<unknown, unknown[]>();
  extra = 0;
  get selections(): vscode.Selection[] {
    return Array.from({ length: 1 + this.extra }, () => this.selection);
  }
  setDecorations(type: unknown, options: unknown[]): void {
    this.drawn.set(type, options);
  }
  revealRange(): void {}
  get visible(): boolean {
    return [...this.drawn.values()].some((options) => options.length > 0);
  }
}

class Server extends FakeServer {
  readonly requests: { params: Record<string, unknown>; token: vscode.CancellationToken }[] = [];
  answer: unknown = { edits: [] };
  request(_: string, params: Record<string, unknown>, token: vscode.CancellationToken): unknown {
    this.requests.push({ params, token });
    return Promise.resolve(this.answer);
  }
}

let server: Server;
let suggestions: Suggestions;
let edits: NextEdits;
let document: Document;
let editor: Editor;

beforeEach(() => {
  edits?.dispose();
  suggestions?.dispose();
  fake.reset();
  server = new Server();
  suggestions = new Suggestions();
  suggestions.attach(server.connection);
  edits = new NextEdits(server.connection, suggestions);
  document = new Document("def f(lines):\n    a(items)\n    b(items)\n");
  editor = new Editor(document, new vscode.Position(0, 11));
  window.activeTextEditor = editor;
  window.tabGroups.activeTabGroup.activeTab = {
    label: "app.py",
    input: new vscode.TabInputText(document.uri),
  };
});

/** The server's next answer: the rename in a line. */
function offer(line: number, id: string): void {
  const range = { start: { line, character: 6 }, end: { line, character: 11 } };
  const command = { arguments: [{ id }] };
  server.answer = {
    edits: [{ text: "lines", range, textDocument: { version: document.version }, command }],
  };
}

function change(range: vscode.Range, text: string, reason?: number): void {
  document.text =
    document.text.slice(0, document.offsetAt(range.start)) +
    text +
    document.text.slice(document.offsetAt(range.end));
  document.version += 1;
  fake.changedDocument.fire({ document, contentChanges: [{ range, text }], reason });
}

function moveCursor(line: number, character: number): void {
  const position = new vscode.Position(line, character);
  editor.selection = new vscode.Selection(position, position);
  fake.selection.fire({ textEditor: editor, selections: [editor.selection] });
}

async function wait(ms: number): Promise<void> {
  mock.timers.tick(ms);
  await settle();
}

/** Type a character into the first line, and show the edit that the server offers then. */
async function shown(line = 1, id = "a"): Promise<void> {
  change(new vscode.Range(0, 13, 0, 13), "#");
  offer(line, id);
  await wait(100);
  assert.ok(editor.visible);
}

const context = (): unknown =>
  fake.executed.filter(([, key]) => key === "ensemble.nextEditVisible").at(-1)?.[2];

test("one request follows a pause in typing, and reports what the editor knows", async () => {
  fake.diagnostics = [
    { message: "no x", severity: 0, range: new vscode.Range(0, 0, 0, 1), source: "lint" },
    { message: "hint", severity: 3, range: new vscode.Range(0, 0, 0, 1) },
  ];
  change(new vscode.Range(0, 13, 0, 13), "a");
  await wait(60);
  change(new vscode.Range(0, 14, 0, 14), "b");
  await wait(60);
  assert.equal(server.requests.length, 0);
  await wait(40);
  assert.equal(server.requests.length, 1);
  const [request] = server.requests;
  assert.deepEqual(request!.params.textDocument, { uri: "file:///project/app.py", version: 3 });
  assert.deepEqual(request!.params.context, { triggerKind: 2 });
  const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } };
  const diagnostic = { message: "no x", severity: "error", range, source: "lint" };
  assert.deepEqual(request!.params.diagnostics, [diagnostic]);
  fake.diagnostics = [];
});

test("typing cancels a request, and its late answer is not shown", async () => {
  change(new vscode.Range(0, 13, 0, 13), "#");
  offer(1, "a");
  mock.timers.tick(100);
  await Promise.resolve();
  change(new vscode.Range(0, 14, 0, 14), "x");
  await settle();
  assert.ok(server.requests.every(({ token }) => token.isCancellationRequested));
  assert.ok(!editor.visible);
});

test("Tab jumps, then applies; the server learns of it and is asked for the next at once", async () => {
  await shown();
  assert.deepEqual(server.notifications, [["ensemble/didShow", { id: "a" }]]);
  assert.equal(context(), true);
  await edits.apply();
  assert.deepEqual(editor.selection.active, new vscode.Position(1, 6));
  assert.ok(document.text.includes("a(items)"));
  await edits.apply();
  assert.ok(document.text.includes("a(lines)"));
  assert.deepEqual(editor.selection.active, new vscode.Position(1, 11));
  assert.deepEqual(server.commands, [["ensemble.accept", { id: "a" }]]);
  assert.equal(context(), false);
  const asked = server.requests.length;
  await wait(0);
  assert.equal(server.requests.length, asked + 1);
});

test("Escape reports a rejection, another editor that it was ignored", async () => {
  await shown();
  await edits.dismiss();
  assert.ok(!editor.visible);
  assert.deepEqual(server.notifications.at(-1), [
    "ensemble/didEnd",
    { id: "a", reason: "rejected" },
  ]);
  await shown(2, "b");
  mock.timers.tick(900);
  fake.activeEditor.fire(undefined);
  const ignored = { id: "b", reason: "ignored", shownMs: 900 };
  assert.deepEqual(server.notifications.at(-1), ["ensemble/didEnd", ignored]);
});

test("typing elsewhere dismisses it, typing its text finishes it", async () => {
  await shown();
  change(new vscode.Range(3, 0, 3, 0), "x");
  assert.ok(!editor.visible);
  offer(1, "b");
  await wait(100);
  assert.ok(editor.visible);
  change(new vscode.Range(1, 6, 1, 11), "l");
  assert.ok(editor.visible);
  change(new vscode.Range(1, 7, 1, 7), "ines");
  assert.ok(!editor.visible);
  assert.deepEqual(
    server.notifications.map(([method]) => method),
    ["ensemble/didShow", "ensemble/didShow"],
  );
});

test("after an undo nothing is asked, not even by the moved cursor", async () => {
  await shown();
  const asked = server.requests.length;
  change(new vscode.Range(0, 13, 0, 14), "", 1);
  moveCursor(2, 0);
  await wait(1000);
  assert.equal(server.requests.length, asked);
  assert.ok(!editor.visible);
});

test("a cursor on another line asks only soon after a change", async () => {
  moveCursor(2, 0);
  await wait(1000);
  assert.equal(server.requests.length, 0);
  change(new vscode.Range(2, 0, 2, 0), " ");
  await wait(100);
  moveCursor(1, 0);
  await wait(300);
  assert.equal(server.requests.length, 2);
  await wait(30_000);
  moveCursor(2, 0);
  await wait(1000);
  assert.equal(server.requests.length, 2);
});

test("several cursors hide it; one shows it again, without a second report", async () => {
  await shown();
  editor.extra = 1;
  moveCursor(0, 5);
  assert.ok(!editor.visible);
  assert.equal(context(), false);
  editor.extra = 0;
  moveCursor(0, 5);
  assert.ok(editor.visible);
  assert.equal(server.notifications.length, 1);
});

test("diffs, other schemes, read-only files and switched-off languages ask nothing", async () => {
  const type = async (): Promise<number> => {
    change(new vscode.Range(0, 13, 0, 13), "#");
    await wait(200);
    return server.requests.length;
  };
  const tab = window.tabGroups.activeTabGroup.activeTab!;
  const { input } = tab;
  tab.input = new TabInputTextDiff(document.uri, document.uri);
  assert.equal(await type(), 0);
  tab.input = input;
  fake.permissions = vscode.FilePermission.Readonly;
  assert.equal(await type(), 0);
  fake.permissions = undefined;
  for (const key of ["enabled", "showInEditor"]) {
    fake.settings.set(`ensemble.nextEdit.${key}`, { globalValue: false });
    assert.equal(await type(), 0);
    fake.settings.delete(`ensemble.nextEdit.${key}`);
  }
  fake.settings.set("ensemble.nextEdit.disabledLanguages", { globalValue: ["python"] });
  assert.equal(await type(), 0);
  fake.settings.clear();
  assert.equal(await type(), 1);
});

test("while snoozed only the command asks", async () => {
  fake.answers.push("30 minutes");
  await snooze(edits);
  change(new vscode.Range(0, 13, 0, 13), "#");
  await wait(200);
  assert.equal(server.requests.length, 0);
  await edits.apply();
  assert.deepEqual(server.requests[0]!.params.context, { triggerKind: 1 });
  assert.ok(fake.messages.includes("No next edit is predicted here."));
  fake.answers.push("again");
  await snooze(edits);
  assert.ok(!edits.snoozed);
});

test("a snooze of the server takes the edit off the screen", async () => {
  await shown();
  server.statuses.fire({ state: "idle" });
  assert.ok(editor.visible);
  server.statuses.fire({ state: "idle", snoozed: true });
  assert.ok(!editor.visible);
});

test("an edit that only adds at the cursor is ghost text, and not drawn", async () => {
  document.text = "def f(a, b):\n    f(1\n";
  moveCursor(1, 7);
  change(new vscode.Range(0, 0, 0, 0), "");
  const range = { start: { line: 1, character: 7 }, end: { line: 1, character: 7 } };
  const command = { arguments: [{ id: "g" }] };
  server.answer = {
    edits: [{ text: ", 2)", range, textDocument: { version: document.version }, command }],
  };
  await wait(100);
  assert.ok(!editor.visible);
  assert.ok(fake.executed.some(([name]) => name === "editor.action.inlineSuggest.trigger"));
  const cursor = new vscode.Position(1, 7);
  const items = await suggestions.provideInlineCompletionItems(
    document.document,
    cursor,
    { triggerKind: 0 } as vscode.InlineCompletionContext,
    { isCancellationRequested: false } as vscode.CancellationToken,
    () => [],
  );
  assert.deepEqual((items as vscode.InlineCompletionItem[])[0]!.insertText, ", 2)");
  assert.deepEqual(server.notifications, [["ensemble/didShow", { id: "g" }]]);
  await suggestions.reject();
  await edits.apply();
  assert.equal(server.requests.at(-1)!.params.context !== undefined, true);
});

test("a completion at the cursor comes first; the edit is drawn when it is gone", async () => {
  const cursor = new vscode.Position(0, 11);
  const item = {
    insertText: "x",
    command: { title: "", command: "ensemble.accept", arguments: [{ id: "c" }] },
  };
  const ask = (items: vscode.InlineCompletionItem[]): unknown =>
    suggestions.provideInlineCompletionItems(
      document.document,
      cursor,
      { triggerKind: 0 } as vscode.InlineCompletionContext,
      { isCancellationRequested: false } as vscode.CancellationToken,
      () => items,
    );
  change(new vscode.Range(0, 13, 0, 13), "#");
  await ask([item]);
  offer(1, "a");
  await wait(100);
  assert.ok(!editor.visible);
  await suggestions.reject();
  assert.ok(editor.visible);
});
