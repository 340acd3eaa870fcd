// What is known of ghost text on the screen. VS Code's stable API says neither that it was shown nor
// that it was refused; here it is told from what can be seen: what the provider gave, where the
// cursor goes, Escape. What is typed or accepted the server sees in the document.
import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient";

import type { Server } from "./client";
import { completes } from "./settings";

interface Offered {
  id: string;
  item: vscode.InlineCompletionItem;
  document: vscode.TextDocument;
  version: number;
  position: vscode.Position;
  since: number;
}

type Provide = NonNullable<Middleware["provideInlineCompletionItems"]>;

export class Suggestions implements vscode.Disposable {
  /** The id of the newest suggestion, for "why this answer". */
  latest: string | undefined;
  private offered: Offered | undefined;
  private server: Server | undefined;
  private readonly listening: vscode.Disposable[];

  constructor() {
    this.listening = [
      vscode.window.onDidChangeTextEditorSelection((event) => this.moved(event)),
      vscode.window.onDidChangeActiveTextEditor(() => this.end("ignored")),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (this.offered?.document === document) this.forget();
      }),
    ];
  }

  attach(server: Server): void {
    this.server = server;
  }

  readonly provide: Provide = async (document, position, context, token, next) => {
    const automatic = context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic;
    if (automatic && !completes(document.languageId)) return [];
    const { version } = document;
    const result = await next(document, position, context, token);
    if (token.isCancellationRequested || document.version !== version) return result;
    const [first] = Array.isArray(result) ? result : (result?.items ?? []);
    const id = idOf(first);
    if (first && id) this.show({ id, item: first, document, version, position, since: Date.now() });
    else this.forget();
    return result;
  };

  private show(offered: Offered): void {
    this.latest = offered.id;
    this.offered = offered;
    this.server?.tell("ensemble/didShow", { id: offered.id });
    this.mark();
  }

  /** Accept from the palette: it takes the focus, and with it the ghost text, from the editor. */
  async accept(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const { offered } = this;
    if (!editor || !offered || !stands(offered, editor)) {
      throw new Error("There is no suggestion to accept here.");
    }
    this.forget();
    const { insertText, range, command } = offered.item;
    const place = range ?? new vscode.Range(offered.position, offered.position);
    const text = typeof insertText === "string" ? insertText : insertText.value;
    if (!(await editor.edit((edit) => edit.replace(place, text)))) return;
    const end = editor.document.positionAt(editor.document.offsetAt(place.start) + text.length);
    editor.selection = new vscode.Selection(end, end);
    if (!command) return;
    await vscode.commands.executeCommand(
      command.command,
      ...((command.arguments ?? []) as object[]),
    );
  }

  /** Escape: hide the ghost text and say that it was refused. */
  async dismiss(): Promise<void> {
    const id = this.offered?.id;
    this.forget();
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    // Not `ensemble.reject`: of what was taken in part before, the server keeps the part.
    if (id) this.server?.tell("ensemble/didEnd", { id, reason: "rejected" });
  }

  private moved(event: vscode.TextEditorSelectionChangeEvent): void {
    const { offered } = this;
    const { document, selection } = event.textEditor;
    // After a change of the document its text tells what became of the suggestion.
    if (offered?.document !== document || document.version !== offered.version) return;
    if (!selection.isEmpty || !selection.active.isEqual(offered.position)) this.end("ignored");
  }

  private end(reason: "ignored"): void {
    const { offered } = this;
    if (!offered) return;
    this.forget();
    const shownMs = Date.now() - offered.since;
    this.server?.tell("ensemble/didEnd", { id: offered.id, reason, shownMs });
  }

  private forget(): void {
    this.offered = undefined;
    this.mark();
  }

  /** For the keybinding: Escape is taken only while something of ours may be shown. */
  private mark(): void {
    void vscode.commands.executeCommand("setContext", "ensemble.offered", !!this.offered);
  }

  dispose(): void {
    for (const one of this.listening) one.dispose();
  }
}

/** Whether a suggestion still belongs where the cursor is. */
function stands({ document, version, position }: Offered, editor: vscode.TextEditor): boolean {
  return (
    editor.document === document &&
    document.version === version &&
    editor.selection.active.isEqual(position)
  );
}

function idOf(item: vscode.InlineCompletionItem | undefined): string | undefined {
  const [argument] = (item?.command?.arguments ?? []) as { id?: string }[];
  return argument?.id;
}
