// Next edits: asks the server after a change or when the cursor rests, shows the edit, and reports what
// became of it. An edit that only adds at the cursor is ghost text; any other is drawn by NextEditView,
// and only then do Tab and Escape belong to it. Ghost text at the cursor takes precedence.
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";
import { type Change, ghostText, isAtEdit, jumpTarget, rebase } from "./nextEditText";
import type { Replacement } from "./nextEditText";
import { NextEditView, toRange } from "./nextEditView";
import type { Range } from "./protocol";
import { nextEditsEnabled } from "./settings";
import type { Suggestions } from "./suggestions";

const CHANGE_MS = 100;
/** The cursor must rest longer than a change: while it moves, no edit is needed. */
const REST_MS = 300;
/** After a change, a cursor that rests asks for an edit during this time. Later, the user only reads. */
const RECENT_MS = 20_000;
const MAX_DIAGNOSTICS = 20;

const VISIBLE = "ensemble.nextEditVisible";

/** One edit of the answer to `textDocument/copilotInlineEdit`. */
interface InlineEdit {
  text: string;
  range: Range;
  textDocument: { version: number };
  command: { arguments: [{ id: string }] };
}

interface Offered {
  id: string;
  edit: Replacement;
  document: vscode.TextDocument;
  /** `held`: not on the screen, because other ghost text or several cursors are. */
  shownAs: "ghost" | "decoration" | "held";
  /** When it was first shown, in milliseconds since the epoch. */
  since?: number;
}

type Trigger = "automatic" | "invoked";

export class NextEdits implements vscode.Disposable {
  private readonly view = new NextEditView();
  private offered: Offered | undefined;
  private request: vscode.CancellationTokenSource | undefined;
  private timer: NodeJS.Timeout | undefined;
  private changedAt = 0;
  private line = -1;
  private snoozedUntil = 0;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly server: ServerConnection,
    private readonly suggestions: Suggestions,
  ) {
    suggestions.nextEdit = (...at) => this.ghostItems(...at);
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument((event) => this.onChanged(event)),
      vscode.window.onDidChangeTextEditorSelection((event) => this.onCursorMoved(event)),
      vscode.window.onDidChangeActiveTextEditor(() => this.onEditorChanged()),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (this.offered?.document === document) this.drop();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (!event.affectsConfiguration("ensemble.nextEdit")) return;
        this.cancel();
        this.end("ignored");
      }),
      suggestions.onDidChange((id) => this.onGhostChanged(id)),
      server.onPhase(() => this.drop()),
      server.onStatus(({ snoozed }) => {
        if (snoozed) this.end("ignored");
      }),
    ];
  }

  // -- commands ------------------------------------------------------------------------------------

  /** Go to the edit; if the cursor is there, apply it. Without one, ask for one. */
  async apply(): Promise<void> {
    const { offered } = this;
    const editor = vscode.window.activeTextEditor;
    if (!offered || editor?.document !== offered.document || offered.shownAs === "held") {
      if (!(await this.ask("invoked"))) {
        void vscode.window.showInformationMessage("No next edit is predicted here.");
      }
    } else if (offered.shownAs === "ghost") await this.suggestions.accept();
    else if (isAtEdit(offered.edit, editor.selection.active)) await this.replace(editor, offered);
    else this.jump(editor, offered);
  }

  /** Reject the edit: the server does not offer it here again. */
  async dismiss(): Promise<void> {
    if (this.offered?.shownAs === "ghost") await this.suggestions.reject();
    else this.end("rejected");
  }

  /** Offer nothing unasked until a time, in milliseconds since the epoch. */
  snooze(until: number): void {
    this.snoozedUntil = until;
    this.end("ignored");
  }

  get snoozed(): boolean {
    return Date.now() < this.snoozedUntil;
  }

  private jump(editor: vscode.TextEditor, { edit, document }: Offered): void {
    const { line, character } = jumpTarget(edit, (number) => document.lineAt(number).text);
    const target = new vscode.Position(line, character);
    editor.selection = new vscode.Selection(target, target);
    const { InCenterIfOutsideViewport } = vscode.TextEditorRevealType;
    editor.revealRange(new vscode.Range(target, target), InCenterIfOutsideViewport);
    this.line = line;
    this.present();
  }

  private async replace(editor: vscode.TextEditor, offered: Offered): Promise<void> {
    const { edit, id, document } = offered;
    const range = toRange(edit.range);
    if (document.getText(range) !== edit.removed) return this.drop();
    const offset = document.offsetAt(range.start);
    this.drop();
    // One stop before and one after: one undo brings back the text.
    const done = await editor.edit((builder) => builder.replace(range, edit.text));
    if (!done) return;
    const length = document.eol === vscode.EndOfLine.CRLF ? crlf(edit.text) : edit.text;
    const cursor = document.positionAt(offset + length.length);
    editor.selection = new vscode.Selection(cursor, cursor);
    // The server sees the accepted edit in the text too, so a failure is harmless.
    await this.server.executeCommand("ensemble.accept", { id }).catch(() => undefined);
    this.schedule(0);
  }

  // -- events --------------------------------------------------------------------------------------

  private onChanged(event: vscode.TextDocumentChangeEvent): void {
    const { document, contentChanges, reason } = event;
    if (!contentChanges.length) return;
    if (document !== vscode.window.activeTextEditor?.document) {
      if (this.offered?.document === document) this.drop();
      return;
    }
    // After an undo or a redo, no edit is wanted.
    const edited = reason === undefined;
    this.changedAt = edited ? Date.now() : 0;
    const finished = this.follow(document, contentChanges);
    this.cancel();
    if (edited) this.schedule(finished ? 0 : CHANGE_MS);
    else this.drop();
  }

  /** Move the edit over typed text; return whether all of it is there now. */
  private follow(document: vscode.TextDocument, changes: readonly Change[]): boolean {
    const { offered } = this;
    if (offered?.document !== document) return false;
    const [change, ...others] = changes;
    const edit = change && !others.length ? rebase(offered.edit, change) : undefined;
    if (edit && edit !== "done") {
      offered.edit = edit;
      // The selection still is the one before the change; ghost text moves with VS Code's next request.
      if (offered.shownAs === "decoration") this.present();
    } else this.drop();
    return edit === "done";
  }

  private onCursorMoved({ textEditor }: vscode.TextEditorSelectionChangeEvent): void {
    if (textEditor !== vscode.window.activeTextEditor) return;
    const { line } = textEditor.selection.active;
    const moved = line !== this.line;
    this.line = line;
    if (this.offered) this.present();
    else if (moved && !this.timer) this.scheduleIfRecent();
  }

  private onEditorChanged(): void {
    this.cancel();
    this.end("ignored");
    this.line = -1;
    this.scheduleIfRecent();
  }

  /** Other ghost text appeared or disappeared, or the user rejected or left this edit's own. */
  private onGhostChanged(id: string | undefined): void {
    const { offered } = this;
    if (!offered || id === offered.id) return;
    if (offered.shownAs === "ghost") this.drop();
    else this.present();
  }

  // -- asking --------------------------------------------------------------------------------------

  private scheduleIfRecent(): void {
    if (Date.now() - this.changedAt < RECENT_MS) this.schedule(REST_MS);
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.ask("automatic");
    }, ms);
  }

  private cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.request?.cancel();
    this.request = undefined;
  }

  /** Ask for the next edit at the cursor and show it; return whether there is one. */
  private async ask(trigger: Trigger): Promise<boolean> {
    this.cancel();
    const editor = vscode.window.activeTextEditor;
    if (!editor || !this.mayAsk(editor, trigger)) return false;
    const { document } = editor;
    const { version } = document;
    const source = (this.request = new vscode.CancellationTokenSource());
    if (await isReadonly(document)) return false;
    const params = parameters(editor, trigger);
    const method = "textDocument/copilotInlineEdit";
    const answer = await this.server
      .request<{ edits: InlineEdit[] }>(method, params, source.token)
      .catch(() => undefined);
    if (source.token.isCancellationRequested || document.version !== version) return false;
    if (vscode.window.activeTextEditor !== editor) return false;
    this.take(document, answer?.edits[0]);
    return this.offered !== undefined;
  }

  private mayAsk(editor: vscode.TextEditor, trigger: Trigger): boolean {
    if (!this.server.running || !isTextTab(editor.document)) return false;
    if (trigger === "invoked") return true;
    if (this.snoozed || !nextEditsEnabled(editor.document.languageId)) return false;
    return hasOneCursor(editor);
  }

  private take(document: vscode.TextDocument, answer: InlineEdit | undefined): void {
    if (answer?.textDocument.version !== document.version) return this.drop();
    const [{ id }] = answer.command.arguments;
    const { range, text } = answer;
    const edit = { range, removed: document.getText(toRange(range)), text };
    const before = this.offered?.id === id ? this.offered : undefined;
    this.offered = { id, document, shownAs: "held", ...before, edit };
    this.present();
  }

  // -- showing -------------------------------------------------------------------------------------

  /** Show the edit as ghost text or as a decoration, as the cursor and other ghost text allow. */
  private present(): void {
    const editor = vscode.window.activeTextEditor;
    if (editor && this.offered?.document === editor.document) this.presentIn(editor, this.offered);
    else this.draw(undefined);
  }

  private presentIn(editor: vscode.TextEditor, offered: Offered): void {
    const alone = hasOneCursor(editor);
    const busy = this.isBehindGhostText(offered);
    const ghost = alone ? this.asGhost(offered, editor.selection.active) : undefined;
    if (ghost && !busy) return this.showGhost(offered, ghost);
    // Two completions at one place: the one that the user sees stays. The suggestions report a
    // cursor that left the ghost text.
    if (ghost || offered.shownAs === "ghost") return this.drop();
    offered.shownAs = alone && !busy ? "decoration" : "held";
    this.draw(offered.shownAs === "decoration" ? editor : undefined);
  }

  /** Whether a completion is shown at the cursor. */
  private isBehindGhostText({ id }: Offered): boolean {
    const { shownId } = this.suggestions;
    return shownId !== undefined && shownId !== id;
  }

  private asGhost({ edit, document }: Offered, cursor: vscode.Position): Replacement | undefined {
    const settings = vscode.workspace.getConfiguration("editor", document);
    if (settings.get("inlineSuggest.enabled") === false) return undefined;
    const line = document.lineAt(cursor.line).text;
    const ghost = ghostText(edit, line, cursor);
    if (!ghost) return undefined;
    const { text, endCharacter } = ghost;
    const end = { line: cursor.line, character: endCharacter };
    const start = { line: cursor.line, character: cursor.character };
    return { range: { start, end }, removed: line.slice(cursor.character, endCharacter), text };
  }

  private showGhost(offered: Offered, ghost: Replacement): void {
    const already = offered.shownAs === "ghost";
    offered.shownAs = "ghost";
    offered.edit = ghost;
    this.draw(undefined);
    if (!already) void vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
  }

  /** The edit as an inline completion, while it is ghost text at this position. */
  private ghostItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    { selectedCompletionInfo }: vscode.InlineCompletionContext,
  ): vscode.InlineCompletionItem[] | undefined {
    const { offered } = this;
    if (offered?.shownAs !== "ghost" || offered.document !== document) return undefined;
    const ghost = selectedCompletionInfo ? undefined : this.asGhost(offered, position);
    if (!ghost) return undefined;
    const range = toRange(ghost.range);
    const accept = { title: "Accept", command: "ensemble.accept", arguments: [{ id: offered.id }] };
    return [{ insertText: ghost.text, range, command: accept }];
  }

  private draw(editor: vscode.TextEditor | undefined): void {
    const { offered } = this;
    const was = this.view.visible;
    if (editor && offered) {
      this.view.show(editor, offered.edit);
      if (offered.since === undefined) {
        offered.since = Date.now();
        this.suggestions.latest = offered.id;
        this.server.notify("ensemble/didShow", { id: offered.id });
      }
    } else this.view.hide();
    if (this.view.visible === was) return;
    void vscode.commands.executeCommand("setContext", VISIBLE, this.view.visible);
  }

  /** Take the edit off the screen and report why. */
  private end(reason: "rejected" | "ignored"): void {
    const { offered } = this;
    this.drop();
    if (!offered || offered.shownAs === "ghost" || offered.since === undefined) return;
    // However soon Escape is pressed, it is a rejection.
    const shown = reason === "ignored" ? { shownMs: Date.now() - offered.since } : {};
    this.server.notify("ensemble/didEnd", { id: offered.id, reason, ...shown });
  }

  /** Take the edit off the screen. The server sees in the text if the user typed something else. */
  private drop(): void {
    this.offered = undefined;
    this.draw(undefined);
  }

  dispose(): void {
    this.cancel();
    for (const subscription of this.subscriptions) subscription.dispose();
    this.view.dispose();
  }
}

const hasOneCursor = ({ selections }: vscode.TextEditor): boolean =>
  selections.length === 1 && selections[0]!.isEmpty;

const crlf = (text: string): string => text.replace(/\r?\n/g, "\r\n");

/** Whether the document is in an ordinary tab: not in a diff, a merge, a notebook or a webview. */
function isTextTab({ uri }: vscode.TextDocument): boolean {
  if (uri.scheme !== "file" && uri.scheme !== "untitled") return false;
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputText && input.uri.toString() === uri.toString();
}

async function isReadonly({ uri }: vscode.TextDocument): Promise<boolean> {
  if (uri.scheme !== "file") return false;
  try {
    const { permissions } = await vscode.workspace.fs.stat(uri);
    return permissions === vscode.FilePermission.Readonly;
  } catch {
    return false; // a new file
  }
}

function parameters({ document, selection }: vscode.TextEditor, trigger: Trigger): object {
  const { line, character } = selection.active;
  const { Warning } = vscode.DiagnosticSeverity;
  const diagnostics = vscode.languages
    .getDiagnostics(document.uri)
    .filter(({ severity }) => severity <= Warning)
    .slice(0, MAX_DIAGNOSTICS)
    .map(({ range: { start, end }, severity, message, source }) => ({
      message,
      severity: severity === Warning ? "warning" : "error",
      range: { start: { ...place(start) }, end: { ...place(end) } },
      ...(source ? { source } : {}),
    }));
  return {
    textDocument: { uri: document.uri.toString(), version: document.version },
    position: { line, character },
    context: { triggerKind: trigger === "invoked" ? 1 : 2 },
    diagnostics,
  };
}

const place = ({ line, character }: vscode.Position): Range["start"] => ({ line, character });
