// The editor's indentation, which the server needs where a document has no indented lines.
import * as vscode from "vscode";

/** The options of LSP's requests to format. */
export interface FormattingOptions {
  tabSize: number;
  insertSpaces: boolean;
}

/** The indentation that a visible editor of the document uses; undefined without such an editor. */
export function formattingOptions(uri: string): FormattingOptions | undefined {
  const editor = vscode.window.visibleTextEditors.find(
    ({ document }) => document.uri.toString() === uri,
  );
  const { tabSize, insertSpaces } = editor?.options ?? {};
  return typeof tabSize === "number" && typeof insertSpaces === "boolean"
    ? { tabSize, insertSpaces }
    : undefined;
}

/** Params of a completion request, with the editor's indentation. */
export function withFormatting<P>(method: string, params: P): P {
  if (method !== "textDocument/inlineCompletion") return params;
  const { textDocument } = params as { textDocument: { uri: string } };
  const options = formattingOptions(textDocument.uri);
  return options ? { ...params, formattingOptions: options } : params;
}
