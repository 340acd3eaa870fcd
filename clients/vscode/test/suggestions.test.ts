import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as vscode from "vscode";

import { Suggestions } from "../src/suggestions";
import { fake, FakeDocument, FakeEditor, FakeServer, window } from "./support/fakes";

const { Automatic, Invoke } = vscode.InlineCompletionTriggerKind;
const CURSOR = new vscode.Position(0, 7);

let server: FakeServer;
let suggestions: Suggestions;
let document: FakeDocument;
let editor: FakeEditor;

beforeEach(() => {
  suggestions?.dispose();
  fake.reset();
  server = new FakeServer();
  suggestions = new Suggestions();
  suggestions.attach(server.connection);
  document = new FakeDocument("return ");
  editor = new FakeEditor(document, CURSOR);
  window.activeTextEditor = editor;
});

function item(id: string, insertText = "width * height"): vscode.InlineCompletionItem {
  const range = new vscode.Range(CURSOR, CURSOR);
  const command = { title: "", command: "ensemble.accept", arguments: [{ id }] };
  return { insertText, range, command };
}

/** Ask for suggestions as VS Code does, with these as the server's answer. */
async function request(
  items: vscode.InlineCompletionItem[] | { items: vscode.InlineCompletionItem[] },
  { triggerKind = Automatic, cancelled = false, during = (): void => undefined } = {},
): Promise<unknown> {
  return suggestions.provideInlineCompletionItems(
    document.document,
    CURSOR,
    { triggerKind } as vscode.InlineCompletionContext,
    { isCancellationRequested: cancelled } as vscode.CancellationToken,
    () => {
      during();
      return items;
    },
  );
}

function moveCursor(line: number, character: number): void {
  const position = new vscode.Position(line, character);
  editor.selection = new vscode.Selection(position, position);
  fake.selection.fire({ textEditor: { document, selection: editor.selection } });
}

test("the first item is reported as shown", async () => {
  await request([item("a"), item("b")]);
  assert.deepEqual(server.notifications, [["ensemble/didShow", { id: "a" }]]);
  assert.equal(suggestions.latest, "a");
  await request({ items: [item("c")] });
  assert.deepEqual(server.notifications.at(-1), ["ensemble/didShow", { id: "c" }]);
});

test("nothing is shown after a cancellation or for an outdated version", async () => {
  await request([item("a")], { cancelled: true });
  await request([item("a")], { during: () => (document.version += 1) });
  await request([]);
  assert.deepEqual(server.notifications, []);
  assert.equal(suggestions.latest, undefined);
});

test("items of other providers are not reported", async () => {
  await request([{ insertText: "x" }]);
  assert.deepEqual(server.notifications, []);
});

test("in a disabled language only an explicit request reaches the server", async () => {
  fake.settings.set("ensemble.complete.disabledLanguages", { globalValue: ["python"] });
  assert.deepEqual(await request([item("a")]), []);
  assert.deepEqual(server.notifications, []);
  await request([item("b")], { triggerKind: Invoke });
  assert.deepEqual(server.notifications, [["ensemble/didShow", { id: "b" }]]);
});

test("a cursor that moves away ends the suggestion as ignored", async () => {
  await request([item("a")]);
  moveCursor(0, 2);
  const [method, params] = server.notifications.at(-1) as [string, Record<string, unknown>];
  assert.equal(method, "ensemble/didEnd");
  assert.deepEqual([params["id"], params["reason"]], ["a", "ignored"]);
  assert.equal(typeof params["shownMs"], "number");
  moveCursor(0, 3);
  assert.equal(server.notifications.length, 2, "it ends once");
});

test("a cursor at the same place ends nothing", async () => {
  await request([item("a")]);
  moveCursor(CURSOR.line, CURSOR.character);
  assert.equal(server.notifications.length, 1);
});

test("after an edit the client reports no end: the server sees the text", async () => {
  await request([item("a")]);
  document.version += 1;
  moveCursor(0, 8);
  assert.deepEqual(
    server.notifications.map(([method]) => method),
    ["ensemble/didShow"],
  );
});

test("another editor ends the suggestion, a closed document forgets it", async () => {
  await request([item("a")]);
  fake.activeEditor.fire(undefined);
  assert.equal(server.notifications.at(-1)?.[0], "ensemble/didEnd");
  await request([item("b")]);
  fake.closedDocument.fire(document);
  fake.activeEditor.fire(undefined);
  assert.deepEqual(server.notifications.at(-1), ["ensemble/didShow", { id: "b" }]);
});

test("rejecting hides the ghost text and reports the rejection once", async () => {
  await request([item("a")]);
  await suggestions.reject();
  const rejected = ["ensemble/didEnd", { id: "a", reason: "rejected" }];
  assert.deepEqual(server.notifications.at(-1), rejected);
  assert.ok(fake.executed.some(([command]) => command === "editor.action.inlineSuggest.hide"));
  await suggestions.reject();
  assert.equal(server.notifications.length, 2);
});

test("the context key follows the suggestion, so that Escape is only taken while there is one", async () => {
  const key = (): unknown =>
    fake.executed.filter(([, name]) => name === "ensemble.suggestionShown").at(-1)?.[2];
  await request([item("a")]);
  assert.equal(key(), true);
  await suggestions.reject();
  assert.equal(key(), false);
});

test("accepting inserts the text, moves the cursor and runs the accept command", async () => {
  await request([item("a", "width *\n  height")]);
  await suggestions.accept();
  assert.equal(document.text, "return width *\n  height");
  assert.ok(editor.selection.active.isEqual(new vscode.Position(1, 8)));
  assert.deepEqual(fake.executed.at(-1), ["ensemble.accept", { id: "a" }]);
});

test("there is nothing to accept elsewhere, in a changed document, or twice", async () => {
  await assert.rejects(suggestions.accept(), /no suggestion/);
  await request([item("a")]);
  document.version += 1;
  await assert.rejects(suggestions.accept(), /no suggestion/);
  await request([item("b")]);
  editor.selection = new vscode.Selection(new vscode.Position(0, 0), new vscode.Position(0, 0));
  await assert.rejects(suggestions.accept(), /no suggestion/);
  editor.selection = new vscode.Selection(CURSOR, CURSOR);
  await suggestions.accept();
  await assert.rejects(suggestions.accept(), /no suggestion/);
  assert.equal(document.text, "return width * height");
});
