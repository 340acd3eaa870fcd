// Tracks the ghost text on the screen. VS Code's stable API reports neither that ghost text was shown
// (handleDidShowCompletionItem is a proposed API) nor that it was rejected, so both are inferred from the
// provider's result, the cursor and Escape. Of several items the first is reported; a later one that the
// user cycles to is known when its accept command runs.
// The server itself sees typed and accepted text in the document.
import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient";

import type { ServerConnection } from "./connection";
import { completionsEnabled } from "./settings";

interface ShownSuggestion {
  id: string;
  /** The models of all items that VS Code may show: it does not say which one the user has cycled to. */
  models: string[];
  item: vscode.InlineCompletionItem;
  document: vscode.TextDocument;
  version: number;
  position: vscode.Position;
  /** When it was shown, in milliseconds since the epoch. */
  since: number;
}

type ProvideInlineCompletionItems = NonNullable<Middleware["provideInlineCompletionItems"]>;

export class Suggestions implements vscode.Disposable {
  /** The id of the newest suggestion, for "Why this answer". */
  latest: string | undefined;
  /** The next edit as ghost text at a position, if there is one. It takes precedence. */
  nextEdit: (
    ...at: [vscode.TextDocument, vscode.Position, vscode.InlineCompletionContext]
  ) => vscode.InlineCompletionItem[] | undefined = () => undefined;
  private readonly changes = new vscode.EventEmitter<string | undefined>();
  /** The id of the ghost text that is shown now. */
  readonly onDidChange = this.changes.event;
  private shown: ShownSuggestion | undefined;
  private server: ServerConnection | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    this.subscriptions = [
      vscode.window.onDidChangeTextEditorSelection((event) => this.onSelectionChanged(event)),
      vscode.window.onDidChangeActiveTextEditor(() => this.endIgnored()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        const { shown } = this;
        if (!shown || !event.affectsConfiguration("ensemble.complete")) return;
        if (!completionsEnabled(shown.document.languageId)) this.clear();
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (this.shown?.document === document) this.clear();
      }),
    ];
  }

  /** The models of the ghost text on the screen; none if there is no ghost text. */
  get shownModels(): readonly string[] {
    return this.shown?.models ?? [];
  }

  /** The place of the ghost text on the screen. */
  get place(): Pick<ShownSuggestion, "document" | "position"> | undefined {
    return this.shown;
  }

  get shownId(): string | undefined {
    const { shown } = this;
    return shown?.document.version === shown?.version ? shown?.id : undefined;
  }

  attach(server: ServerConnection): void {
    this.server = server;
    this.subscriptions.push(
      server.onPhase(({ phase }) => {
        if (phase !== "starting") return;
        this.latest = undefined; // a new server does not remember it
        this.clear();
      }),
    );
  }

  readonly provideInlineCompletionItems: ProvideInlineCompletionItems = async (
    document,
    position,
    context,
    token,
    next,
  ) => {
    const { version } = document;
    const edit = this.nextEdit(document, position, context);
    if (!edit && isOff(document, context)) return [];
    const result = edit ?? (await next(document, position, context, token));
    if (token.isCancellationRequested || document.version !== version) return result;
    this.track(Array.isArray(result) ? result : (result?.items ?? []), document, position);
    return result;
  };

  private track(
    items: readonly vscode.InlineCompletionItem[],
    document: vscode.TextDocument,
    position: vscode.Position,
  ): void {
    const [item] = items;
    const { version } = document;
    const id = argumentOf(item)?.id;
    const models = [...new Set(items.flatMap((one) => argumentOf(one)?.models ?? []))];
    if (item && id) this.show({ id, models, item, document, version, position, since: Date.now() });
    else this.clear();
  }

  private show(suggestion: ShownSuggestion): void {
    this.latest = suggestion.id;
    this.shown = suggestion;
    this.server?.notify("ensemble/didShow", { id: suggestion.id });
    this.updateContextKey();
  }

  /**
   * Accept the suggestion from the command palette. The palette takes the focus from the editor,
   * which hides the ghost text, so the text is inserted here.
   */
  async accept(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const { shown } = this;
    if (!editor || !shown || !isAtCursor(shown, editor)) {
      throw new Error("There is no suggestion to accept here.");
    }
    this.clear();
    const { insertText, range, command } = shown.item;
    const target = range ?? new vscode.Range(shown.position, shown.position);
    const text = typeof insertText === "string" ? insertText : insertText.value;
    if (!(await editor.edit((edit) => edit.replace(target, text)))) return;
    const end = editor.document.positionAt(editor.document.offsetAt(target.start) + text.length);
    editor.selection = new vscode.Selection(end, end);
    if (!command) return;
    await vscode.commands.executeCommand(
      command.command,
      ...((command.arguments ?? []) as object[]),
    );
  }

  /** The menu takes the focus from the editor, which hides the ghost text. */
  blurred(): void {
    this.endIgnored();
  }

  /** The ghost text is in the document now: VS Code has run the item's command. */
  accepted(): void {
    this.clear();
  }

  /** Hide the ghost text and report that the user rejected it. */
  async reject(): Promise<void> {
    const id = this.shown?.id;
    this.clear();
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    // Unlike ensemble.reject, this keeps the credit for a part that was accepted before.
    if (id) this.server?.notify("ensemble/didEnd", { id, reason: "rejected" });
  }

  private onSelectionChanged(event: vscode.TextEditorSelectionChangeEvent): void {
    const { shown } = this;
    const { document, selection } = event.textEditor;
    // After an edit the server infers the outcome from the document's text.
    if (shown?.document !== document || document.version !== shown.version) return;
    if (!selection.isEmpty || !selection.active.isEqual(shown.position)) this.endIgnored();
  }

  private endIgnored(): void {
    const { shown } = this;
    if (!shown) return;
    this.clear();
    const shownMs = Date.now() - shown.since;
    this.server?.notify("ensemble/didEnd", { id: shown.id, reason: "ignored", shownMs });
  }

  private clear(): void {
    this.shown = undefined;
    this.updateContextKey();
  }

  /** For the keybinding: Escape rejects only while one of our suggestions may be visible. */
  private updateContextKey(): void {
    void vscode.commands.executeCommand("setContext", "ensemble.suggestionShown", !!this.shown);
    this.changes.fire(this.shown?.id);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changes.dispose();
  }
}

/** Whether the document and the cursor are as they were when the suggestion was shown. */
function isAtCursor(
  { document, version, position }: ShownSuggestion,
  editor: vscode.TextEditor,
): boolean {
  return (
    editor.document === document &&
    document.version === version &&
    editor.selection.active.isEqual(position)
  );
}

/** What the accept command of an item carries. */
function argumentOf(
  item: vscode.InlineCompletionItem | undefined,
): { id?: string; models?: string[] } | undefined {
  const [argument] = (item?.command?.arguments ?? []) as { id?: string; models?: string[] }[];
  return argument;
}

function isOff(
  { languageId }: vscode.TextDocument,
  { triggerKind }: vscode.InlineCompletionContext,
): boolean {
  const automatic = triggerKind === vscode.InlineCompletionTriggerKind.Automatic;
  return automatic && !completionsEnabled(languageId);
}
