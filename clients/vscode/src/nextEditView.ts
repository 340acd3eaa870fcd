// Draws a predicted edit in an editor, with decorations in the colours of the diff editor.
import * as vscode from "vscode";

import { layout, type Layout, type Lines } from "./nextEditLayout";
import { isAtEdit, type Place, type Replacement } from "./nextEditText";

const color = (id: string): vscode.ThemeColor => new vscode.ThemeColor(id);
const { ClosedClosed, OpenOpen } = vscode.DecorationRangeBehavior;

const GREEN = "var(--vscode-diffEditor-insertedTextBackground)";
/**
 * VS Code passes `textDecoration` on as CSS. Added text fills the height of the line, and is drawn on
 * the editor's background, because the colour of the diff editor is transparent.
 */
const ADDED_CSS =
  "none; display: inline-block; line-height: inherit; white-space: pre; " +
  `background-image: linear-gradient(${GREEN}, ${GREEN});`;

export class NextEditView implements vscode.Disposable {
  private readonly removed = vscode.window.createTextEditorDecorationType({
    backgroundColor: color("diffEditor.removedTextBackground"),
    textDecoration: "line-through",
    overviewRulerColor: color("editorOverviewRuler.modifiedForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
    rangeBehavior: ClosedClosed,
  });
  private readonly removedLines = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: color("diffEditor.removedLineBackground"),
    rangeBehavior: ClosedClosed,
  });
  private readonly insertedAbove = this.insertionMark("1px 0 0 0");
  private readonly insertedBelow = this.insertionMark("0 0 1px 0");
  private readonly attached = vscode.window.createTextEditorDecorationType({
    rangeBehavior: OpenOpen,
  });
  private editor: vscode.TextEditor | undefined;
  private readonly status = vscode.window.createStatusBarItem(
    "ensemble.nextEdit",
    vscode.StatusBarAlignment.Right,
    101,
  );

  constructor() {
    this.status.name = "Ensemble: Next Edit";
    this.status.command = "ensemble.applyNextEdit";
  }

  private insertionMark(borderWidth: string): vscode.TextEditorDecorationType {
    return vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      borderWidth,
      borderStyle: "solid",
      borderColor: color("editorGutter.addedBackground"),
      overviewRulerColor: color("editorOverviewRuler.addedForeground"),
      overviewRulerLane: vscode.OverviewRulerLane.Left,
      rangeBehavior: ClosedClosed,
    });
  }

  get visible(): boolean {
    return this.editor !== undefined;
  }

  show(editor: vscode.TextEditor, edit: Replacement): void {
    if (this.editor !== editor) this.hide();
    this.editor = editor;
    const drawn = layout(edit, linesOf(editor));
    const hint = hintFor(edit, editor.selection.active);
    const [first, last] = drawn.removedLines ?? [0, -1];
    editor.setDecorations(this.removed, drawn.removed.map(toRange));
    editor.setDecorations(this.removedLines, first <= last ? [lineRange(first, last)] : []);
    this.mark(editor, drawn.insertion);
    editor.setDecorations(this.attached, attachments(drawn, editor, hint));
    this.showStatus(edit, hint);
  }

  /** Mark the place of inserted lines: above a line, or below the last one. */
  private mark(editor: vscode.TextEditor, line: number | undefined): void {
    const { lineCount } = editor.document;
    const above = line !== undefined && line < lineCount ? [lineRange(line)] : [];
    const below = line === lineCount ? [lineRange(lineCount - 1)] : [];
    editor.setDecorations(this.insertedAbove, above);
    editor.setDecorations(this.insertedBelow, below);
  }

  private showStatus(edit: Replacement, hint: Hint): void {
    const line = edit.range.start.line + 1;
    this.status.text = `$(${hint.icon}) ${hint.jumps ? `Edit in line ${line}` : "Apply edit"}`;
    this.status.tooltip = `Ensemble: ${hint.jumps ? "go to" : "apply"} the next edit (Tab)`;
    this.status.show();
  }

  hide(): void {
    this.status.hide();
    const { editor } = this;
    this.editor = undefined;
    for (const type of this.types()) editor?.setDecorations(type, []);
  }

  private types(): vscode.TextEditorDecorationType[] {
    const { removed, removedLines, insertedAbove, insertedBelow, attached } = this;
    return [removed, removedLines, insertedAbove, insertedBelow, attached];
  }

  dispose(): void {
    for (const type of this.types()) type.dispose();
    this.status.dispose();
  }
}

function linesOf({ document, options }: vscode.TextEditor): Lines {
  const tabSize = typeof options.tabSize === "number" ? options.tabSize : 4;
  return { count: document.lineCount, tabSize, at: (line) => document.lineAt(line).text };
}

interface Hint {
  text: string;
  icon: string;
  jumps: boolean;
}

function hintFor(edit: Replacement, cursor: Place): Hint {
  if (isAtEdit(edit, cursor)) return { text: "Tab: apply", icon: "check", jumps: false };
  const { line } = edit.range.start;
  const [arrow, icon] = line < cursor.line ? ["↑", "arrow-up"] : ["↓", "arrow-down"];
  return { text: `Tab: go to line ${line + 1} ${arrow}`, icon, jumps: true };
}

function attachments(
  { added, rows }: Layout,
  editor: vscode.TextEditor,
  hint: Hint,
): vscode.DecorationOptions[] {
  const { document, selection } = editor;
  const options: vscode.DecorationOptions[] = [
    ...added.map(({ at, text }) => attachment(at, { ...ADDED, contentText: blanks(text) })),
    ...rows.map(({ line, gap, text }) =>
      attachment(document.lineAt(line).range.end, {
        ...ADDED,
        contentText: blanks(` ${text} `),
        margin: `0 0 0 ${gap}ch`,
      }),
    ),
  ];
  // Two texts at one position exclude each other, so the hint becomes part of what is there.
  const { end } = document.lineAt(selection.active.line).range;
  const there = options.find(({ range }) => range.end.isEqual(end));
  const after = { ...HINT, contentText: blanks(` ${hint.text} `) };
  if (there) there.renderOptions = { ...there.renderOptions, after };
  else options.push({ range: new vscode.Range(end, end), renderOptions: { after } });
  return options;
}

const ADDED: vscode.ThemableDecorationAttachmentRenderOptions = {
  backgroundColor: color("editor.background"),
  color: color("editor.foreground"),
  fontStyle: "normal",
  textDecoration: ADDED_CSS,
};

const HINT: vscode.ThemableDecorationAttachmentRenderOptions = {
  backgroundColor: color("editorWidget.background"),
  border: "1px solid",
  borderColor: color("editorWidget.border"),
  color: color("descriptionForeground"),
  fontStyle: "normal",
  margin: "0 0 0 3ch",
  textDecoration: "none; border-radius: 3px; font-size: 0.9em;",
};

function attachment(
  at: Place,
  before: vscode.ThemableDecorationAttachmentRenderOptions,
): vscode.DecorationOptions {
  const position = new vscode.Position(at.line, at.character);
  return { range: new vscode.Range(position, position), renderOptions: { before } };
}

/** Blanks that the editor does not collapse. */
const blanks = (text: string): string => text.replace(/\t/g, "    ").replace(/ /g, "\u00a0");

export const toRange = ({ start, end }: Replacement["range"]): vscode.Range =>
  new vscode.Range(start.line, start.character, end.line, end.character);

const lineRange = (first: number, last = first): vscode.Range =>
  new vscode.Range(first, 0, last, 0);
