// The editor's indentation in requests for code.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { withFormatting } from "../src/formatting";
import { fake, FakeDocument, window } from "./support/fakes";

const METHOD = "textDocument/inlineCompletion";
const document = new FakeDocument("");
const params = { textDocument: { uri: document.uri.toString() }, position: {} };

beforeEach(() => {
  fake.reset();
  window.visibleTextEditors = [];
});

test("a completion request tells the indentation of the document's editor", () => {
  const options = { tabSize: 2, insertSpaces: true, cursorStyle: 1 };
  window.visibleTextEditors = [{ document, options }];
  assert.deepEqual(withFormatting(METHOD, params), {
    ...params,
    formattingOptions: { tabSize: 2, insertSpaces: true },
  });
});

test("other requests, and documents without an editor, are left alone", () => {
  assert.equal(withFormatting(METHOD, params), params);
  window.visibleTextEditors = [{ document, options: { tabSize: "auto" } }];
  assert.equal(withFormatting(METHOD, params), params);
  assert.equal(withFormatting("textDocument/hover", params), params);
});
