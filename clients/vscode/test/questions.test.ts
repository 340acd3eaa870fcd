// Questions of the server, and the code actions that preview.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as vscode from "vscode";

import { isPreviewed, previewed } from "../src/codeActions";
import { ask } from "../src/questions";
import { fake, FakeDocument, window } from "./support/fakes";

interface Call {
  kind: string;
  rest: unknown[];
}

let calls: Call[];

beforeEach(() => {
  fake.reset();
  calls = [];
  for (const kind of ["showWarningMessage", "showInformationMessage"] as const) {
    Object.assign(window, {
      [kind]: (_message: string, ...rest: { title?: string }[]) => {
        calls.push({ kind, rest });
        return Promise.resolve(rest.find(({ title }) => title !== undefined));
      },
    });
  }
});

test("a question that can be cancelled is a dialogue", async () => {
  const actions = [{ title: "Continue" }, { title: "Cancel" }];
  assert.deepEqual(await ask({ type: 2, message: "It costs $1.", actions }), { title: "Continue" });
  const [options, , cancel] = calls[0]?.rest ?? [];
  assert.deepEqual(options, { modal: true });
  assert.deepEqual(cancel, { title: "Cancel", isCloseAffordance: true });
});

test("any other question stays a notification", async () => {
  const actions = [{ title: "Use consensus" }];
  await ask({ type: 3, message: "Which answer?", actions });
  assert.deepEqual(calls, [{ kind: "showInformationMessage", rest: actions }]);
});

test("the action that generates previews its answers, the others stay", () => {
  const generate = { title: "Generate with ensemble", data: { task: "generate" } };
  const explain = { title: "Explain with ensemble", command: { title: "", command: "explain" } };
  const { document } = new FakeDocument("def f(): pass\n");
  const actions = [generate, explain] as unknown as vscode.CodeAction[];
  previewed(actions, document, new vscode.Range(0, 1, 0, 2));
  const [first, second] = actions;
  assert.equal(first?.command?.command, "ensemble.generateAt");
  assert.equal((first?.command?.arguments?.[0] as { document: unknown }).document, document);
  assert.equal("data" in first, false, "the server does not resolve it");
  assert.equal(second?.command?.command, "explain");
  assert.deepEqual(actions.map(isPreviewed), [true, false]);
});
