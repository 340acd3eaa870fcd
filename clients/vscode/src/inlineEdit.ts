// Edit in place: a box at the selection takes an instruction, the answer is a diff below the code.
// A comment thread is the only box inside an editor that VS Code's stable API offers. Its last comment
// is in edit mode, because VS Code moves the focus there; it does not for a thread's reply box. Nothing
// is written into the file before the user accepts it.
import * as vscode from "vscode";

import { title as agreementOf } from "./candidates";
import type { ServerConnection } from "./connection";
import { EditConversation, type ShownAnswer } from "./editConversation";
import { formattingOptions } from "./formatting";
import { diffBlock, lineDiff, partialDiff, type DiffLine } from "./lineDiff";
import { escaped } from "./markdown";
import { describe, type Fix, linkTo, problemOf } from "./problems";

export const CONTROLLER = "ensemble.edit";
/** True while the box is open, and while it shows an answer: for the keys. */
const OPEN = "ensemble.editOpen";
const ANSWERED = "ensemble.editAnswered";
/** The path of the edit's file: in another one, the keys of the edit keep their own meaning. */
const FILES = "ensemble.editFiles";

const removedLines = (): vscode.TextEditorDecorationType =>
  vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("diffEditor.removedLineBackground"),
  });

export class InlineEdits implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController(CONTROLLER, "Ensemble");
  private readonly removed = removedLines();
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.lensesChanged.event;
  private thread: vscode.CommentThread | undefined;
  /** The comment that the user writes. */
  private draft = box();
  private conversation: EditConversation | undefined;
  /** Whether the user works in the code again. Each change of the thread would take the focus away. */
  private left = false;
  private readonly registrations: vscode.Disposable;

  constructor(
    private readonly server: ServerConnection,
    private readonly newest: { latest: string | undefined },
  ) {
    const files = [{ scheme: "file" }, { scheme: "untitled" }];
    this.registrations = vscode.Disposable.from(
      vscode.languages.registerCodeLensProvider(files, this),
      vscode.workspace.onDidChangeTextDocument((event) => this.changed(event)),
      vscode.window.onDidChangeTextEditorSelection(({ kind, textEditor }) => {
        // Only a change by the user has a kind. The box is an editor too.
        if (kind !== undefined && !isBox(textEditor.document)) this.left = true;
      }),
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        const { conversation } = this;
        if (!conversation || !editor || isBox(editor.document)) return;
        if (editor.document !== conversation.document) this.left = true;
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (document === this.conversation?.document) this.close();
      }),
    );
  }

  /** Open the box at the selection. An edit that is open elsewhere is discarded. */
  async start(editor: vscode.TextEditor): Promise<void> {
    await this.discard();
    const { document, selection } = editor;
    // The colour of a selection would hide that of removed lines.
    editor.selection = new vscode.Selection(selection.end, selection.end);
    this.conversation = new EditConversation(this.server, document, selection, (message) =>
      this.show(message),
    );
    this.draft = box();
    // VS Code colours the range of a thread, which would hide the colour of removed lines too.
    const end = new vscode.Range(selection.end, selection.end);
    const thread = this.controller.createCommentThread(document.uri, end, [this.draft]);
    thread.label = HINT;
    thread.canReply = false;
    thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
    this.thread = thread;
    await this.updateContext();
  }

  /** Send the text of the box: the instruction, or a change to the answer that is shown. */
  async submit(text: string): Promise<void> {
    if (this.conversation?.running) return;
    this.draft = box();
    this.left = false;
    await this.ask(
      (conversation) =>
        conversation.submit(text.trim(), formattingOptions(conversation.document.uri.toString())),
      text,
    );
  }

  /** Show the next answer; after the last one, ask a model that was not asked yet. */
  async another(): Promise<void> {
    await this.ask((conversation) =>
      conversation.another(formattingOptions(conversation.document.uri.toString())),
    );
  }

  /** Write the answer that is shown into the file. */
  async accept(): Promise<void> {
    const { conversation } = this;
    const answer = conversation?.current;
    if (!conversation || !answer) return;
    const { document } = conversation;
    const range = conversation.rangeOf(answer);
    this.close();
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, range, answer.candidate.text);
    if (!(await vscode.workspace.applyEdit(edit))) return;
    await this.server.executeCommand("ensemble.accept", { id: answer.candidate.id });
    await select(document, new vscode.Range(range.start, range.start));
  }

  /** Close the box and refuse its answers; the file stays as it is. */
  async discard(): Promise<void> {
    const { conversation } = this;
    if (!conversation) return;
    this.close();
    for (const id of conversation.generations) {
      await this.server.executeCommand("ensemble.reject", { id });
    }
    await select(conversation.document, conversation.range);
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const { conversation } = this;
    if (document !== conversation?.document) return [];
    const { line } = conversation.range.start;
    const lens = (title: string, command: string): vscode.CodeLens =>
      new vscode.CodeLens(new vscode.Range(line, 0, line, 0), { title, command });
    const discard = lens("Discard (Escape)", "ensemble.discardEdit");
    if (!conversation.current || conversation.running) return [discard];
    const { position, count } = conversation;
    return [
      lens("Accept (Ctrl+Enter)", "ensemble.acceptEdit"),
      discard,
      lens(`Another Answer (Alt+]) · ${position} of ${count}`, "ensemble.anotherEdit"),
    ];
  }

  /** `text` returns to the box if no model answers, so that the user need not write it again. */
  private async ask(
    action: (conversation: EditConversation) => Promise<void>,
    text = "",
  ): Promise<void> {
    const { conversation } = this;
    if (!conversation || conversation.running) return;
    try {
      await action(conversation);
      const { current } = conversation;
      if (this.conversation === conversation && current) this.newest.latest = current.candidate.id;
    } catch (error) {
      if (this.conversation !== conversation) return;
      if (text) this.draft = box(text);
      this.show(escaped((error as Error).message), fixesOf(error));
    }
  }

  /** Show the conversation so far; the message is a state or an error, else the answer is shown. */
  private show(message = "", fixes: readonly Fix[] = []): void {
    const { conversation, thread } = this;
    if (!conversation || !thread) return;
    const { shown } = conversation;
    const lines = shown ? diffOf(conversation.document, shown) : [];
    if (!(this.left && conversation.running))
      this.draw(thread, conversation, message, lines, fixes);
    this.mark(conversation, lines, shown?.range.start.line);
    this.lensesChanged.fire();
    void this.updateContext();
  }

  private draw(
    thread: vscode.CommentThread,
    conversation: EditConversation,
    message: string,
    lines: DiffLine[],
    fixes: readonly Fix[],
  ): void {
    const requests = conversation.requests.map(escaped).join("\n\n");
    const comments = requests ? [comment("You", requests)] : [];
    const by = conversation.shown?.by;
    const diff = by ? diffBlock(lines) : "";
    // While models write, one comment: VS Code finds the box again by its number.
    if (conversation.running) comments.push(comment(by ?? "Ensemble", `${message}\n\n${diff}`));
    else {
      if (message) comments.push(comment("Ensemble", message, fixes));
      if (by) comments.push(comment(by, diff));
    }
    // The same box in all states keeps the focus, and takes it only when it is new.
    thread.comments = [...comments, this.draft];
    thread.label = labelOf(conversation);
  }

  /** Colour the lines that the answer removes. */
  private mark(conversation: EditConversation, lines: DiffLine[], first = 0): void {
    const ranges: vscode.Range[] = [];
    let line = first;
    for (const { kind } of lines) {
      if (kind === "removed") ranges.push(new vscode.Range(line, 0, line, 0));
      if (kind !== "added") line += 1;
    }
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.document === conversation.document) editor.setDecorations(this.removed, ranges);
    }
  }

  private changed({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const { conversation } = this;
    if (document !== conversation?.document || !contentChanges.length) return;
    if (conversation.follow(contentChanges)) return;
    this.close();
    vscode.window.setStatusBarMessage("Ensemble: the code changed, so its edit was closed", 4000);
  }

  private close(): void {
    const { conversation, thread } = this;
    this.conversation = undefined;
    this.thread = undefined;
    thread?.dispose();
    conversation?.cancel();
    if (conversation) this.mark(conversation, []);
    this.lensesChanged.fire();
    void this.updateContext();
  }

  private async updateContext(): Promise<void> {
    const { conversation } = this;
    const answered = !!conversation?.current && !conversation.running;
    await vscode.commands.executeCommand("setContext", OPEN, conversation !== undefined);
    await vscode.commands.executeCommand("setContext", ANSWERED, answered);
    const files = conversation ? [conversation.document.uri.fsPath] : [];
    await vscode.commands.executeCommand("setContext", FILES, files);
  }

  dispose(): void {
    this.close();
    this.registrations.dispose();
    this.removed.dispose();
    this.controller.dispose();
  }
}

const HINT = "Ensemble: describe the change. Enter sends it, Escape closes the box.";

function labelOf({ running, current }: EditConversation): string {
  if (running) return "Ensemble: asking the models. Escape stops them.";
  return current ? agreementOf(current.generation) : HINT;
}

const isBox = ({ uri }: vscode.TextDocument): boolean => uri.scheme === "comment";

/** A comment in edit mode: the box. */
const box = (body = ""): vscode.Comment => ({
  author: { name: "You" },
  body,
  mode: vscode.CommentMode.Editing,
});

/** The text of a comment in edit mode, when its button is pressed. */
export function textOf(comment: vscode.Comment | undefined): string {
  const body = comment?.body ?? "";
  return typeof body === "string" ? body : body.value;
}

/** The links below an error; an error without a kind has none. */
function fixesOf(error: unknown): readonly Fix[] {
  const problem = problemOf(error);
  return problem ? describe(problem).fixes : [];
}

function comment(author: string, markdown: string, fixes: readonly Fix[] = []): vscode.Comment {
  const links = fixes.map(linkTo).join(" · ");
  const body = new vscode.MarkdownString(links ? `${markdown}\n\n${links}` : markdown);
  body.isTrusted = { enabledCommands: fixes.map(({ command }) => command) };
  return { author: { name: author }, body, mode: vscode.CommentMode.Preview };
}

/** The difference of the code to an answer, in whole lines. */
function diffOf(document: vscode.TextDocument, { text, range, partial }: ShownAnswer): DiffLine[] {
  const { start, end } = range;
  const last = document.lineAt(end.line).range.end;
  const lines = (from: vscode.Position, to: vscode.Position): string =>
    document.getText(new vscode.Range(from, to));
  const lineStart = new vscode.Position(start.line, 0);
  const next = lines(lineStart, start) + text + (partial ? "" : lines(end, last));
  const difference = partial ? partialDiff : lineDiff;
  return difference(lines(lineStart, last).split(/\r?\n/), next.split(/\r?\n/));
}

/** Return to the code, which may be out of sight once the box is gone. */
async function select(document: vscode.TextDocument, range: vscode.Range): Promise<void> {
  const shown = vscode.window.visibleTextEditors.find((editor) => editor.document === document);
  if (!shown?.viewColumn) return;
  const { viewColumn } = shown;
  const editor = await vscode.window.showTextDocument(document, { viewColumn });
  editor.selection = new vscode.Selection(range.start, range.end);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
