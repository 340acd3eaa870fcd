// The text editor that the user worked in last. A page or the dashboard may have the focus now.
import * as vscode from "vscode";

/** The schemes of documents that the server knows. */
const SCHEMES = new Set(["file", "untitled", "vscode-notebook-cell"]);

export class LastEditor implements vscode.Disposable {
  private editor: vscode.TextEditor | undefined;
  private readonly registered = vscode.window.onDidChangeActiveTextEditor((editor) =>
    this.note(editor),
  );

  constructor() {
    this.note(vscode.window.activeTextEditor);
  }

  private note(editor: vscode.TextEditor | undefined): void {
    if (editor && SCHEMES.has(editor.document.uri.scheme)) this.editor = editor;
  }

  /** The active editor of code, or else the last one that is still open. */
  get current(): vscode.TextEditor | undefined {
    this.note(vscode.window.activeTextEditor);
    return this.editor?.document.isClosed ? undefined : this.editor;
  }

  get language(): string | undefined {
    return this.current?.document.languageId;
  }

  dispose(): void {
    this.registered.dispose();
  }
}
