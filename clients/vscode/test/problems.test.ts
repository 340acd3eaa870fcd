import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { columnBeside } from "../src/beside";
import { showErrors } from "../src/connection";
import { NoServerError, problemOf } from "../src/problems";
import { fake, settle, window } from "./support/fakes";

beforeEach(() => fake.reset());

const failing = (problem?: string): Error =>
  Object.assign(new Error("Set a valid key. gpt: no."), {
    data: problem ? { problem } : undefined,
  });

async function shows(error: Error): Promise<string> {
  await showErrors(() => Promise.reject(error));
  await settle();
  return fake.messages.at(-1) ?? "";
}

test("an error has the buttons that fix its kind", async () => {
  fake.pressed = "Store a Key";
  const text = await shows(failing("key"));
  assert.equal(text, "Set a valid key. gpt: no. [Store a Key] [Open config.toml]");
  assert.deepEqual(fake.executed.at(-1), ["ensemble.storeKey"]);
  fake.pressed = "Change the Budget";
  assert.match(await shows(failing("budget")), /\[Change the Budget\]/);
  assert.deepEqual(fake.executed.at(-1), [
    "workbench.action.openSettings",
    "ensemble.selector.dailyBudget",
  ]);
  fake.pressed = undefined;
  assert.match(await shows(failing("noModel")), /\[Set Up a Model\]/);
  assert.match(await shows(failing("offline")), /\[Show the Log\]/);
});

test("without a server a command offers to install or to restart it", async () => {
  fake.pressed = "Install";
  const missing = await shows(new NoServerError(false));
  assert.equal(missing, "The Ensemble server is not installed. [Install] [Choose the Program]");
  assert.deepEqual(fake.executed.at(-1), ["ensemble.install"]);
  fake.pressed = "Restart the Server";
  assert.match(await shows(new NoServerError(true)), /not running\. \[Restart the Server\]/);
  assert.deepEqual(fake.executed.at(-1), ["ensemble.restart"]);
});

test("an error of no kind, or of one that is not known, has no button", async () => {
  assert.equal(await shows(failing()), "Set a valid key. gpt: no.");
  assert.equal(problemOf(failing("toString")), undefined);
  assert.equal(problemOf(failing("new kind")), undefined);
});

test("a page opens beside the code, and never in a third column", () => {
  const columns = (...all: number[]): void => {
    window.tabGroups.all = all.map((viewColumn) => ({ viewColumn }));
  };
  columns(1);
  assert.equal(columnBeside(1), -2, "a new column beside the code");
  columns(1, 2);
  assert.equal(columnBeside(1), 2);
  assert.equal(columnBeside(2), 1, "the code may be on the right");
  columns(1, 2, 3);
  assert.equal(columnBeside(1), 3);
  columns(1, 2);
  assert.equal(columnBeside(undefined), 2);
});
