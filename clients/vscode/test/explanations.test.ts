// Explanations: what is asked, shown and judged.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as vscode from "vscode";

import { Explanations, trustJudgement } from "../src/explanations";
import { Pages } from "../src/pages";
import { fake, FakeDocument, FakeEditor, FakeServer, model, window } from "./support/fakes";

const MARKDOWN = "Adds.";
let server: FakeServer;
let explanations: Explanations;

beforeEach(() => {
  fake.reset();
  const document = new FakeDocument("def f(): pass\n");
  window.activeTextEditor = new FakeEditor(document, new vscode.Position(0, 4));
  server = new FakeServer({
    "ensemble.explain": { id: "e1", markdown: MARKDOWN, models: ["alpha"] },
    "ensemble.models": [model("alpha"), model("beta"), model("gone", { available: false })],
  });
  explanations = new Explanations(server.connection, new Pages());
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

test("a hover may run the two commands that judge, and no other", () => {
  const text = new vscode.MarkdownString("Text.");
  trustJudgement(new vscode.Hover([text]));
  assert.deepEqual(text.isTrusted, {
    enabledCommands: ["ensemble.explanationHelpful", "ensemble.explanationNotHelpful"],
  });
});
