// The requests and answers of an edit in place.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as vscode from "vscode";

import { authors, EditConversation } from "../src/editConversation";
import type { Generation } from "../src/protocol";
import { FakeDocument, FakeServer, model } from "./support/fakes";

const TEXT = "import os\n\ndef area(w, h):\n    pass\n";
const RANGE = { start: { line: 2, character: 0 }, end: { line: 3, character: 8 } };
const GENERATION: Generation = {
  id: "all",
  text: "one",
  agreement: 0.67,
  settled: true,
  candidates: [
    { id: "first", models: ["alpha", "beta"], text: "one" },
    { id: "second", models: ["gamma"], text: "two" },
  ],
  errors: { delta: "The API key is invalid." },
  uri: "file:///project/app.py",
  range: RANGE,
};

let server: FakeServer;
let conversation: EditConversation;
let reports: (string | undefined)[];

beforeEach(() => {
  reports = [];
  server = new FakeServer({
    "ensemble.generate": GENERATION,
    "ensemble.models": ["alpha", "beta", "gamma", "delta", "epsilon"].map((name) => model(name)),
  });
  const { document } = new FakeDocument(TEXT);
  const selection = new vscode.Range(2, 0, 3, 8);
  conversation = new EditConversation(server.connection, document, selection, (message) =>
    reports.push(message),
  );
});

const argumentsOf = (n: number): Record<string, unknown> =>
  server.commands[n]?.[1] as Record<string, unknown>;

test("the instruction is sent, nothing is applied, and the first answer is shown", async () => {
  await conversation.submit("multiply", undefined);
  const { instruction, apply, draft } = argumentsOf(0);
  assert.deepEqual([instruction, apply, draft], ["multiply", false, undefined]);
  assert.equal(conversation.current?.candidate.id, "first");
  assert.equal(authors(conversation.current), "alpha and beta (2 of 3 models)");
  assert.equal(reports.at(-1), undefined);
  assert.equal(conversation.running, false);
});

test("a follow-up changes the answer that is shown", async () => {
  await conversation.submit("multiply", undefined);
  await conversation.another(undefined);
  await conversation.submit("shorter", undefined);
  const { instruction, draft, followUp } = argumentsOf(1);
  assert.deepEqual([instruction, draft, followUp], ["multiply", "two", "shorter"]);
  assert.deepEqual(conversation.requests, ["multiply", "shorter"]);
});

test("another answer is the next one, then that of a model that did not answer or fail", async () => {
  await conversation.submit("multiply", undefined);
  await conversation.another(undefined);
  assert.equal(conversation.current?.candidate.id, "second");
  await conversation.another(undefined);
  const { model: asked, instruction } = argumentsOf(2);
  assert.deepEqual([asked, instruction], ["epsilon", "multiply"]);
});

test("changes above move the place, changes inside end the edit", async () => {
  await conversation.submit("multiply", undefined);
  const change = (line: number, text: string, last = line): vscode.TextDocumentContentChangeEvent =>
    ({ range: new vscode.Range(line, 0, last, 0), text }) as vscode.TextDocumentContentChangeEvent;
  assert.equal(conversation.follow([change(0, "import re\nimport io\n")]), true);
  assert.equal(conversation.rangeOf(conversation.current!).start.line, 4);
  assert.equal(conversation.follow([change(0, "", 1)]), true);
  assert.equal(conversation.rangeOf(conversation.current!).end.line, 4);
  assert.equal(conversation.follow([change(9, "x\n")]), true);
  assert.equal(conversation.rangeOf(conversation.current!).start.line, 3);
  assert.equal(conversation.follow([change(4, "x")]), false);
});

test("a failed request is forgotten, so that it can be sent again", async () => {
  server = new FakeServer({ "ensemble.generate": new Error("No model answered.") });
  const { document } = new FakeDocument(TEXT);
  const range = new vscode.Range(2, 0, 3, 8);
  conversation = new EditConversation(server.connection, document, range, () => undefined);
  await assert.rejects(conversation.submit("multiply", undefined), /No model answered/);
  assert.deepEqual(conversation.requests, []);
  assert.equal(conversation.running, false);
});

test("the answer is shown while a model writes it, at the place that moves with the text above", async () => {
  const texts: string[] = [];
  const partial = { model: "beta", text: "def area", uri: GENERATION.uri, range: RANGE };
  server.partials = [partial, { ...partial, text: "def area(w, h):\n    return" }];
  const { document } = new FakeDocument(TEXT);
  const selection = new vscode.Range(2, 0, 3, 8);
  conversation = new EditConversation(server.connection, document, selection, () => {
    const { shown } = conversation;
    if (!shown) return;
    texts.push(`${shown.by}: ${shown.text}`);
    if (!shown.partial) return;
    const line = shown.range.start.line;
    const range = new vscode.Range(0, 0, 0, 0);
    const change = { range, text: "#\n" } as vscode.TextDocumentContentChangeEvent;
    assert.equal(conversation.follow([change]), true);
    assert.equal(conversation.shown?.range.start.line, line + 1);
  });
  await conversation.submit("multiply", undefined);
  assert.deepEqual(texts, [
    "beta is writing: def area",
    "beta is writing: def area(w, h):\n    return",
    "alpha and beta (2 of 3 models): one",
  ]);
});

test("what was written before a failure is not shown afterwards", async () => {
  server = new FakeServer({ "ensemble.generate": new Error("No model answered.") });
  server.partials = [{ model: "beta", text: "def area", uri: GENERATION.uri, range: RANGE }];
  const { document } = new FakeDocument(TEXT);
  const range = new vscode.Range(2, 0, 3, 8);
  conversation = new EditConversation(server.connection, document, range, () => undefined);
  await assert.rejects(conversation.submit("multiply", undefined), /No model answered/);
  assert.equal(conversation.shown, undefined);
});
