// The name of the model behind the ghost text, at the end of its line. The stable API has no place in the
// ghost text's own toolbar: its menu and the list's commands are a proposed API.
import * as vscode from "vscode";

import type { FactStore } from "./facts";
import { escaped } from "./markdown";
import type { Suggestions } from "./suggestions";

/** Typing replaces the ghost text many times a second; the name appears when it rests. */
const DELAY_MS = 500;
/** VS Code hides ghost text whenever the editor loses the focus, and does not report it. */
const SHOWN_MS = 8000;

export class ModelLabel implements vscode.Disposable {
  private readonly decoration = vscode.window.createTextEditorDecorationType({
    after: {
      // Upright and in a box, so that it does not read as a part of the ghost text.
      color: new vscode.ThemeColor("editorCodeLens.foreground"),
      border: "1px solid",
      borderColor: new vscode.ThemeColor("editorIndentGuide.activeBackground1"),
      fontStyle: "normal",
      margin: "0 0 0 2em",
    },
  });
  private labelled: vscode.TextEditor | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly registered: vscode.Disposable;

  constructor(
    private readonly suggestions: Suggestions,
    private readonly store: FactStore,
  ) {
    this.registered = suggestions.onDidChange(() => this.update());
  }

  private update(): void {
    this.hide();
    if (this.suggestions.shownModels.length && this.store.severalComplete) {
      this.timer = setTimeout(() => this.show(), DELAY_MS);
    }
  }

  private hide(): void {
    clearTimeout(this.timer);
    this.labelled?.setDecorations(this.decoration, []);
    this.labelled = undefined;
  }

  private show(): void {
    const editor = vscode.window.activeTextEditor;
    const place = this.suggestions.place;
    const models = this.suggestions.shownModels;
    if (!editor || !models.length || editor.document !== place?.document) return;
    const end = editor.document.lineAt(place.position).range.end;
    const name = models.join(" or ");
    const hover = new vscode.MarkdownString(
      `Ghost text of ${escaped(name)} · [Why](command:ensemble.whyThis) · ` +
        "[Choose the model](command:ensemble.menu)",
    );
    hover.isTrusted = { enabledCommands: ["ensemble.whyThis", "ensemble.menu"] };
    const options = { range: new vscode.Range(end, end), hoverMessage: hover };
    editor.setDecorations(this.decoration, [
      { ...options, renderOptions: { after: { contentText: `\u00a0${name}\u00a0` } } },
    ]);
    this.labelled = editor;
    this.timer = setTimeout(() => this.hide(), SHOWN_MS);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.registered.dispose();
    this.decoration.dispose();
  }
}
