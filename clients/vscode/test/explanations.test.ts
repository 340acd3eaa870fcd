// Explanations: what is asked, shown and judged.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as vscode from "vscode";

import { Explanations, trustJudgement } from "../src/explanations";
import { Pages } from "../src/pages";
import {
  fake,
  FakeDocument,
  FakeEditor,
  FakeServer,
  model,
  window,
  workspace,
} from "./support/fakes";

const MARKDOWN = "Adds.";
let server: FakeServer;
let document: FakeDocument;
let pages: Pages;
const newest: { latest: string | undefined } = { latest: undefined };

/** The page that was opened last. */
const shown = (): vscode.Uri =>
  fake.executed.filter(([command]) => command === "vscode.openWith").at(-1)?.[1] as vscode.Uri;
let explanations: Explanations;

beforeEach(() => {
  fake.reset();
  document = new FakeDocument("def f(): pass\n");
  window.activeTextEditor = new FakeEditor(document, new vscode.Position(0, 4));
  server = new FakeServer({
    "ensemble.explain": { id: "e1", markdown: MARKDOWN, models: ["alpha"] },
    "ensemble.models": [model("alpha"), model("beta"), model("gone", { available: false })],
  });
  pages = new Pages();
  explanations = new Explanations(server.connection, pages, newest);
});

test("before the first explanation there is nothing to judge or to ask again", async () => {
  await assert.rejects(explanations.judge(true), /no explanation yet/);
  await assert.rejects(explanations.explainWithModel(), /no explanation yet/);
});

test("the last explanation is judged, or the one that a link names", async () => {
  await explanations.explain({ uri: "file:///a.py", range: new vscode.Range(0, 0, 0, 3) });
  await explanations.judge(true);
  assert.deepEqual(server.commands.at(-1), ["ensemble.accept", { id: "e1" }]);
  await explanations.judge(false, "other");
  assert.deepEqual(server.commands.at(-1), ["ensemble.reject", { id: "other" }]);
});

test("another model is asked for the same code", async () => {
  const place = { uri: "file:///a.py", range: new vscode.Range(0, 0, 0, 3) };
  await explanations.explain(place);
  fake.answers.push("beta");
  await explanations.explainWithModel();
  assert.deepEqual(server.commands.at(-1), ["ensemble.explain", { ...place, model: "beta" }]);
});

test("a question follows the explanation on its page, and its answer is the newest", async () => {
  const place = { uri: document.uri.toString(), range: new vscode.Range(0, 0, 0, 3) };
  workspace.textDocuments = [document];
  await explanations.explain(place);
  assert.equal(newest.latest, "e1");
  fake.answers.push("Why an addition?");
  await explanations.askOn();
  const [command, argument] = server.commands.at(-1) ?? [];
  assert.equal(command, "ensemble.explain");
  const { question, previous, model: asked } = argument as Record<string, string>;
  assert.deepEqual([question, asked], ["Why an addition?", "alpha"]);
  assert.match(previous ?? "", /^Adds\./);
  const page = pages.provideTextDocumentContent(shown());
  assert.match(page, /Adds\.[^]*## Why an addition\?[^]*Adds\./);
  assert.equal(page.includes("Waiting"), false);
});

test("a question about changed code is refused", async () => {
  workspace.textDocuments = [document];
  await explanations.explain({
    uri: document.uri.toString(),
    range: new vscode.Range(0, 0, 0, 13),
  });
  document.text = "def g(): pass\n";
  await assert.rejects(explanations.askOn(), /The code has changed/);
});

test("a question follows the code to the place that changes elsewhere have moved it to", async () => {
  workspace.textDocuments = [document];
  await explanations.explain({
    uri: document.uri.toString(),
    range: new vscode.Range(0, 0, 0, 13),
  });
  document.text = `import os\n\n${document.text}`;
  fake.answers.push("Why?");
  await explanations.askOn();
  const { range } = server.commands.at(-1)?.[1] as { range: vscode.Range };
  assert.equal(range.start.line, 2);
});

test("a hover may run the two commands that judge, and no other", () => {
  const text = new vscode.MarkdownString("Text.");
  trustJudgement(new vscode.Hover([text]));
  assert.deepEqual(text.isTrusted, {
    enabledCommands: ["ensemble.explanationHelpful", "ensemble.explanationNotHelpful"],
  });
});
