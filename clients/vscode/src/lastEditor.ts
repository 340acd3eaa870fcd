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

  /**
   * The editor that a command of the palette works in: the active one, or the last one while a panel
   * or a page has the focus. Throws without any, or if the active one has no code that the server knows.
   */
  get target(): vscode.TextEditor {
    const active = vscode.window.activeTextEditor;
    // The output, a search and one side of a comparison are text editors too; only a panel has no column.
    if (active?.viewColumn !== undefined && !SCHEMES.has(active.document.uri.scheme)) {
      throw new Error("Open the file itself: Ensemble does not work in this kind of editor.");
    }
    const { current } = this;
    const editors = vscode.window.visibleTextEditors;
    const same = ({ document }: vscode.TextEditor): boolean => document === current?.document;
    const visible = editors.find((editor) => editor === current) ?? editors.find(same);
    if (!visible) throw new Error("Open a file first.");
    return visible;
  }

  get language(): string | undefined {
    return this.current?.document.languageId;
  }

  dispose(): void {
    this.registered.dispose();
  }
}
