import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as vscode from "vscode";

import { CandidatePicker, entries, firstLines } from "../src/candidates";
import type { Generation } from "../src/protocol";
import {
  fake,
  FakeDocument,
  FakeEditor,
  FakeServer,
  settle,
  TabInputTextDiff,
  window,
} from "./support/fakes";

const TEXT = "def area(w, h):\n    pass\n";
const GENERATION: Generation = {
  id: "all",
  text: "return w * h",
  agreement: 0.67,
  settled: true,
  candidates: [
    { id: "first", models: ["alpha", "beta"], text: "return w * h" },
    { id: "second", models: ["gamma"], text: "return h * w" },
  ],
  errors: { delta: "The API key is invalid." },
  uri: "file:///project/app.py",
  range: { start: { line: 1, character: 4 }, end: { line: 1, character: 8 } },
};

let server: FakeServer;
let picker: CandidatePicker;
/** The answer that "Why this answer" explains. */
const newest: { latest: string | undefined } = { latest: undefined };
let document: FakeDocument;

function start(generation: Generation | Error = GENERATION): void {
  server = new FakeServer({ "ensemble.generate": generation, "ensemble.models": [] });
  newest.latest = "an older completion";
  picker = new CandidatePicker(server.connection, newest);
}

beforeEach(() => {
  fake.reset();
  document = new FakeDocument(TEXT);
  window.activeTextEditor = new FakeEditor(document, new vscode.Position(1, 4));
  start();
});

/** Generate without an instruction and wait for the list. */
async function generate(): Promise<{
  pick: NonNullable<typeof fake.quickPick>;
  done: Promise<void>;
}> {
  fake.answers.push("");
  const done = picker.generate(window.activeTextEditor as never);
  await settle();
  assert.ok(fake.quickPick);
  return { pick: fake.quickPick, done };
}

test("the list has the consensus first, then the others, failed models and Discard", () => {
  const list = entries(GENERATION);
  assert.deepEqual(
    list.map(({ label }) => label.replace(/\$\(.*\) /, "")),
    ["Consensus", "gamma", "", "delta failed", "Discard all answers"],
  );
  assert.equal(list[0]?.description, "2 of 3 models: alpha, beta");
  assert.equal(list[1]?.description, "1 of 3 models");
  assert.equal(list[3]?.detail, "The API key is invalid.");
});

test("an answer is summarised by its first lines", () => {
  assert.equal(firstLines("\na = 1\n\n  b = 2\n"), "a = 1 ⏎ b = 2");
  assert.equal(firstLines("a\nb\nc\nd"), "a ⏎ b … (4 lines)");
});

test("the server generates without applying, at the selection", async () => {
  const { pick, done } = await generate();
  pick.hide();
  await done;
  const [command, argument] = server.commands[0] ?? [];
  assert.equal(command, "ensemble.generate");
  assert.equal((argument as { apply: boolean }).apply, false);
  assert.equal((argument as { uri: string }).uri, document.uri.toString());
});

test("the accepted answer is applied", async () => {
  const { pick, done } = await generate();
  assert.equal(newest.latest, "first");
  pick.select("gamma");
  pick.accept();
  await done;
  assert.deepEqual(server.commands.at(-1), ["ensemble.choose", { id: "second" }]);
  assert.equal(newest.latest, "second");
});

test("Escape applies and rejects nothing", async () => {
  const { pick, done } = await generate();
  pick.select("Consensus");
  pick.hide();
  await done;
  assert.deepEqual(
    server.commands.map(([command]) => command),
    ["ensemble.generate"],
  );
});

test("Discard rejects all answers, an entry of a failed model leads to what fixes it", async () => {
  const first = await generate();
  first.pick.select("Discard");
  first.pick.accept();
  await first.done;
  assert.deepEqual(server.commands.at(-1), ["ensemble.reject", { id: "all" }]);
  const second = await generate();
  second.pick.select("delta failed");
  second.pick.accept();
  fake.buttons.push("Back to the Answers");
  await second.done;
  await settle();
  assert.equal(server.commands.at(-1)?.[0], "ensemble.models");
  assert.deepEqual(fake.executed.at(-1), ["ensemble.showCandidates"]);
});

test("the preview of an entry is a diff with the candidate in its place", async () => {
  const { pick, done } = await generate();
  pick.select("gamma");
  await settle();
  const [command, left, right, title] = fake.executed.at(-1) as [
    string,
    vscode.Uri,
    vscode.Uri,
    string,
  ];
  assert.equal(command, "vscode.diff");
  assert.equal(left, document.uri);
  assert.equal(title, "app.py: gamma");
  assert.equal(picker.provideTextDocumentContent(right), "def area(w, h):\n    return h * w\n");
  pick.hide();
  await done;
  assert.equal(picker.provideTextDocumentContent(right), "", "its text is dropped afterwards");
});

test("only the previews are closed at the end", async () => {
  const tab = (scheme: string): unknown => ({
    input: new TabInputTextDiff(vscode.Uri.file("/a"), vscode.Uri.from({ scheme, path: "/a" })),
  });
  const [preview, other] = [tab("ensemble-candidate"), tab("git")];
  window.tabGroups.all = [{ tabs: [other, preview, { input: undefined }] }];
  const { pick, done } = await generate();
  pick.hide();
  await done;
  assert.deepEqual(fake.closedTabs, [preview]);
});

test("a single answer is previewed too, under its model's name", async () => {
  const errors = { beta: "busy", delta: "no key" };
  start({ ...GENERATION, candidates: GENERATION.candidates.slice(1), errors });
  const { pick, done } = await generate();
  assert.equal(pick.title, "Ensemble: answer of gamma · beta and delta did not answer");
  assert.equal(pick.items[0]?.label, "$(sparkle) gamma");
  assert.deepEqual(
    server.commands.map(([command]) => command),
    ["ensemble.generate"],
  );
  pick.select("gamma");
  pick.accept();
  await done;
  assert.deepEqual(server.commands.at(-1), ["ensemble.choose", { id: "second" }]);
});

test("without two models that agree, nothing is called a consensus", () => {
  const [alpha, gamma] = [{ id: "1", models: ["alpha"], text: "a" }, GENERATION.candidates[1]!];
  const list = entries({ ...GENERATION, candidates: [alpha, gamma] });
  assert.deepEqual(
    list.slice(0, 2).map(({ label, description }) => [label, description]),
    [
      ["$(sparkle) alpha", "1 of 2 models"],
      ["$(sparkle) gamma", "1 of 2 models"],
    ],
  );
});

test("answers for an older version of the file are not offered again", async () => {
  const { pick, done } = await generate();
  pick.hide();
  await done;
  fake.quickPick = undefined;
  document.version += 1;
  await picker.choose();
  assert.equal(fake.quickPick, undefined);
  assert.match(fake.messages.at(-1) ?? "", /Generate again/);
});

test("a failed generation is shown, and cancelling the instruction asks no model", async () => {
  start(new Error("No model answered."));
  fake.answers.push("", undefined);
  await picker.generate(window.activeTextEditor as never);
  assert.deepEqual(fake.messages, ["No model answered."]);
  server.commands.length = 0;
  await picker.generate(window.activeTextEditor as never);
  assert.deepEqual(server.commands, []);
});
