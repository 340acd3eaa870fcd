import assert from "node:assert/strict";
import { test } from "node:test";

import { diffBlock, lineDiff, partialDiff } from "../src/lineDiff";

const shown = (before: string, after: string): string =>
  diffBlock(lineDiff(before.split("\n"), after.split("\n")));

test("only the lines that differ are marked", () => {
  assert.equal(shown("a\nb\nc", "a\nx\ny\nc"), "```diff\n  a\n- b\n+ x\n+ y\n  c\n```");
});

test("equal lines between changes stay", () => {
  assert.equal(shown("1\nsame\n2", "3\nsame\n4"), "```diff\n- 1\n+ 3\n  same\n- 2\n+ 4\n```");
});

test("insertions and deletions alone", () => {
  assert.equal(shown("a", "a\nb"), "```diff\n  a\n+ b\n```");
  assert.equal(shown("a\nb", "b"), "```diff\n- a\n  b\n```");
});

test("code with a fence cannot end the block", () => {
  const block = shown("a", '"""\n````\n"""');
  assert.match(block, /^`````diff\n/);
  assert.match(block, /\n`````$/);
});

test("a huge change is one replacement", () => {
  const many = (sign: string): string[] => Array.from({ length: 1100 }, (_, n) => sign + n);
  const lines = lineDiff(many("a"), many("b"));
  assert.equal(lines.length, 2200);
  assert.equal(lines[0]?.kind, "removed");
  assert.equal(lines.at(-1)?.kind, "added");
});

test("of an unfinished text, the lines that it has not reached are not removed", () => {
  const before = ["def f():", "    a = 1", "    b = 2", "    return a"];
  const shown = (...after: string[]): string =>
    partialDiff(before, after)
      .map(({ kind, text }) => ({ same: " ", removed: "-", added: "+" })[kind] + text.trim())
      .join("|");
  assert.equal(shown("def f():"), " def f():| a = 1| b = 2| return a");
  assert.equal(shown("def f():", "    x = 1"), " def f():|+x = 1| a = 1| b = 2| return a");
  assert.equal(
    shown("def f():", "    x = 1", "    b = 2"),
    " def f():|-a = 1|+x = 1| b = 2| return a",
  );
  assert.equal(
    shown("def f():", "    x = 1", "    b = 2", "    return a"),
    " def f():|-a = 1|+x = 1| b = 2| return a",
  );
  assert.equal(shown("# new", "def f():"), "+# new| def f():| a = 1| b = 2| return a");
});

test("a huge unfinished text is one replacement", () => {
  const many = (sign: string): string[] => Array.from({ length: 1100 }, (_, n) => sign + n);
  const kinds = partialDiff(many("a"), many("b").slice(0, 1000)).map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === "same").length, 100);
});
