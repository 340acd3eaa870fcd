import assert from "node:assert/strict";
import { test } from "node:test";

import { layout, type Layout, type Lines } from "../src/nextEditLayout";
import {
  ghostText,
  isAtEdit,
  jumpTarget,
  type Place,
  rebase,
  type Replacement,
  smallest,
} from "../src/nextEditText";

const at = (line: number, character: number): Place => ({ line, character });

/** The position of an offset in a text. */
function place(text: string, offset: number): Place {
  const lines = text.slice(0, offset).split("\n");
  return at(lines.length - 1, lines.at(-1)!.length);
}

/** The edit that replaces the first occurrence of a part of a text. */
function edit(document: string, removed: string, text: string, after = ""): Replacement {
  const offset = document.indexOf(after) + after.length;
  const start = document.indexOf(removed, offset);
  assert.notEqual(start, -1);
  const range = { start: place(document, start), end: place(document, start + removed.length) };
  return { range, removed, text };
}

function lines(document: string): Lines {
  const all = document.split("\n");
  return { count: all.length, tabSize: 4, at: (line) => all[line]! };
}

const CODE = `def area(self):
    return self.width * self.height

def perimeter(self):
    return 2 * (self.width + self.height)
`;

// -- text ------------------------------------------------------------------------------------------

test("an edit is cut to what it changes", () => {
  const cut = smallest(edit(CODE, "self.width * self", "self.depth * self"));
  assert.deepEqual(cut.range, { start: at(1, 16), end: at(1, 19) });
  assert.deepEqual([cut.removed, cut.text], ["wid", "dep"]);
});

test("no surrogate pair and no line end is cut in two", () => {
  const face = smallest({ range: { start: at(0, 0), end: at(0, 2) }, removed: "😀", text: "😁" });
  assert.deepEqual([face.removed, face.text], ["😀", "😁"]);
  const end = smallest({ range: { start: at(0, 0), end: at(1, 0) }, removed: "\r\n", text: "\n" });
  assert.deepEqual([end.removed, end.text], ["\r\n", "\n"]);
});

test("typed text that the edit has is taken from it", () => {
  const insertion: Replacement = {
    range: { start: at(2, 4), end: at(2, 4) },
    removed: "",
    text: "abc",
  };
  const rest = rebase(insertion, { range: insertion.range, text: "a" });
  assert.deepEqual(rest, { range: { start: at(2, 5), end: at(2, 5) }, removed: "", text: "bc" });
  assert.equal(rebase(insertion, { range: insertion.range, text: "abc" }), "done");
  assert.equal(rebase(insertion, { range: insertion.range, text: "x" }), undefined);
});

test("a line break that the editor indents is typed through", () => {
  const ghost: Replacement = {
    range: { start: at(1, 10), end: at(1, 10) },
    removed: "",
    text: "\n    return x\n    y",
  };
  const rest = rebase(ghost, { range: ghost.range, text: "\n    " });
  assert.deepEqual(rest, {
    range: { start: at(2, 4), end: at(2, 4) },
    removed: "",
    text: "return x\n    y",
  });
});

test("a bracket that the editor closes is part of the edit", () => {
  const call: Replacement = {
    range: { start: at(0, 0), end: at(0, 0) },
    removed: "",
    text: "f(a)",
  };
  const opened = rebase(call, { range: call.range, text: "f()" });
  assert.deepEqual(opened, { range: { start: at(0, 2), end: at(0, 2) }, removed: "", text: "a" });
});

test("a rewrite is finished by selecting the old word and typing the new one", () => {
  const rename: Replacement = {
    range: { start: at(0, 4), end: at(0, 9) },
    removed: "items",
    text: "lines",
  };
  const begun = rebase(rename, { range: rename.range, text: "l" });
  assert.ok(begun && begun !== "done");
  assert.deepEqual([begun.removed, begun.text], ["", "ines"]);
  assert.equal(rebase(rename, { range: rename.range, text: "lines" }), "done");
  assert.ok(rebase(rename, { range: rename.range, text: "" }));
});

test("any other change ends it", () => {
  const rename = edit(CODE, "width", "depth");
  const elsewhere = { start: at(4, 0), end: at(4, 0) };
  assert.equal(rebase(rename, { range: elsewhere, text: "x" }), undefined);
  assert.equal(rebase(rename, { range: { start: at(0, 0), end: at(2, 0) }, text: "" }), undefined);
  const inside = { start: at(1, 17), end: at(1, 17) };
  assert.equal(rebase(rename, { range: inside, text: "?" }), undefined);
});

test("an edit that only adds at or after the cursor is ghost text", () => {
  const line = "    load(path)";
  const insertion: Replacement = {
    range: { start: at(3, 13), end: at(3, 13) },
    removed: "",
    text: ", mode",
  };
  assert.deepEqual(ghostText(insertion, line, at(3, 13)), { text: ", mode", endCharacter: 13 });
  assert.deepEqual(ghostText(insertion, line, at(3, 9)), { text: "path, mode", endCharacter: 13 });
  assert.equal(ghostText(insertion, line, at(3, 14)), undefined); // before the cursor
  assert.equal(ghostText(insertion, line, at(2, 13)), undefined);
});

test("an edit that removes is not ghost text", () => {
  const rename = { range: { start: at(0, 0), end: at(0, 4) }, removed: "load", text: "read" };
  assert.equal(ghostText(rename, "load()", at(0, 0)), undefined);
  const longer = { ...rename, text: "reload" };
  assert.deepEqual(ghostText(longer, "load()", at(0, 0)), { text: "reload", endCharacter: 4 });
});

test("lines after the cursor's line are ghost text at its end", () => {
  const added: Replacement = {
    range: { start: at(2, 0), end: at(2, 0) },
    removed: "",
    text: "    a\n    b\n",
  };
  assert.deepEqual(ghostText(added, "if x:", at(1, 5)), {
    text: "\n    a\n    b",
    endCharacter: 5,
  });
  assert.equal(ghostText(added, "if x:", at(1, 4)), undefined);
  assert.deepEqual(
    jumpTarget(added, () => "if x:"),
    at(1, 5),
  );
  assert.ok(isAtEdit(added, at(1, 0)));
  assert.ok(!isAtEdit(added, at(0, 0)));
});

test("a deletion of whole lines does not reach the line after it", () => {
  const gone = edit(CODE, "    return self.width * self.height\n\n", "");
  assert.deepEqual(
    [0, 1, 2, 3].map((line) => isAtEdit(gone, at(line, 0))),
    [false, true, true, false],
  );
});

// -- layout ----------------------------------------------------------------------------------------

const draw = (document: string, ...change: [string, string, string?]): Layout =>
  layout(edit(document, ...change), lines(document));

const texts = (drawn: Layout, document: string): string[] =>
  drawn.removed.map(({ start, end }) =>
    lines(document).at(start.line).slice(start.character, end.character),
  );

test("a renamed word is drawn as a word", () => {
  const drawn = draw(CODE, "self.width * self", "self.wealth * self");
  assert.deepEqual(texts(drawn, CODE), ["width"]);
  assert.deepEqual(drawn.added, [{ at: at(1, 21), text: "wealth" }]);
  assert.deepEqual(drawn.rows, []);
});

test("what only adds or only removes is drawn by characters", () => {
  const added = draw(CODE, "area", "areas");
  assert.deepEqual([texts(added, CODE), added.added], [[], [{ at: at(0, 8), text: "s" }]]);
  const gone = draw(CODE, " * self.height", "");
  assert.deepEqual([texts(gone, CODE), gone.added], [[" * self.height"], []]);
});

test("two changes in a line stay apart", () => {
  const drawn = draw(CODE, "self.width + self.height", "room.width + room.height");
  assert.deepEqual(texts(drawn, CODE), ["self", "self"]);
  assert.deepEqual(
    drawn.added.map(({ text }) => text),
    ["room", "room"],
  );
});

test("each of several lines is drawn by its words", () => {
  const drawn = draw(
    CODE,
    CODE.slice(0, 51),
    CODE.slice(0, 51).replace("area", "size").replace("width", "depth"),
  );
  assert.deepEqual(texts(drawn, CODE), ["area", "width"]);
});

test("a line that becomes another is drawn beside the code", () => {
  const drawn = draw(
    CODE,
    "return self.width * self.height",
    "if None in self.sides():\n        return 0",
  );
  assert.deepEqual(drawn.removedLines, [1, 1]);
  assert.deepEqual(texts(drawn, CODE), ["return self.width * self.height"]);
  assert.deepEqual(drawn.rows, [
    { line: 1, gap: 4, text: "if None in self.sides():" },
    { line: 2, gap: 39, text: "    return 0            " },
  ]);
});

test("new lines are drawn beside the code, with a mark at their place", () => {
  const drawn = draw(CODE, "\ndef perimeter", "\ndef volume(self):\n    pass\n\ndef perimeter");
  assert.equal(drawn.insertion, 3);
  assert.deepEqual(drawn.removed, []);
  assert.deepEqual(
    drawn.rows.map(({ line, text }) => [line, text.trimEnd()]),
    [
      [3, "def volume(self):"],
      [4, "    pass"],
      [5, ""],
    ],
  );
});

test("at the end of the file the rows move up, and are shortened if the file is short", () => {
  const short = "a\nb\n";
  const end = { start: at(2, 0), end: at(2, 0) };
  const drawn = layout({ range: end, removed: "", text: "c\nd\ne\nf\ng\n" }, lines(short));
  assert.deepEqual(
    drawn.rows.map(({ line, text }) => [line, text.trimEnd()]),
    [
      [0, "c"],
      [1, "d"],
      [2, "… 3 more lines"],
    ],
  );
});

test("removed lines are drawn without rows", () => {
  const drawn = draw(CODE, "\ndef perimeter(self):\n", "", "height");
  assert.deepEqual(drawn.rows, []);
  assert.ok(drawn.removedLines);
});

test("a file with Windows line ends has no drawn carriage returns", () => {
  const windows = CODE.replace(/\n/g, "\r\n");
  const all = windows.split("\r\n");
  const range = { start: at(1, 0), end: at(2, 0) };
  const removed = `${all[1]}\r\n`;
  const drawn = layout(
    { range, removed, text: "    x\r\n    y\r\n" },
    { count: all.length, tabSize: 4, at: (line) => all[line]! },
  );
  assert.deepEqual(
    drawn.rows.map(({ text }) => text),
    ["x", "y"],
  );
});
