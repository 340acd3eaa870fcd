// What an ensemble wrote: a list to choose from, each with a diff beside the code.
import * as path from "node:path";
import * as vscode from "vscode";

import { attempt, type Server } from "./client";
import { percent } from "./pages";
import type { Generation } from "./protocol";

const SCHEME = "ensemble-candidate";

interface Entry extends vscode.QuickPickItem {
  candidate?: Generation["candidates"][number];
  discard?: true;
}

export class Candidates implements vscode.TextDocumentContentProvider, vscode.Disposable {
  /** The file with each candidate in it, by the candidate's id. */
  private readonly texts = new Map<string, string>();
  private readonly registered = vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
    // The window tells of a tab a little after the command that opened it has ended.
    vscode.window.tabGroups.onDidChangeTabs(({ opened }) => {
      if (!this.texts.size) void closePreviews(opened);
    }),
  );
  private last:
    { generation: Generation; document: vscode.TextDocument; version: number } | undefined;

  constructor(private readonly server: Server) {}

  /** The newest generation's id, for "why this answer". */
  get latest(): string | undefined {
    return this.last?.generation.candidates[0]?.id;
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.query) ?? "";
  }

  /** Ask for an instruction, generate at the cursor or selection, let the user choose. */
  async generate(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) {
      void vscode.window.showInformationMessage("Open a file first.");
      return;
    }
    const instruction = await vscode.window.showInputBox({
      title: "Generate with Ensemble",
      prompt: "What should be written? Empty: what the comment, docstring or selection asks for.",
    });
    if (instruction === undefined) return;
    const { document, selection } = editor;
    const { start, end } = selection;
    const generation = await attempt(() =>
      this.server.askWithProgress<Generation>("Ensemble: generating", "ensemble.generate", {
        uri: document.uri.toString(),
        range: { start, end },
        instruction,
        apply: false,
      }),
    );
    if (!generation) return;
    this.last = { generation, document, version: document.version };
    if (generation.candidates.length > 1) await this.choose();
    else await this.apply(generation.candidates[0]?.id);
  }

  /** Choose among the answers of the last generation. */
  async choose(): Promise<void> {
    const { last } = this;
    if (!last || last.document.isClosed || last.document.version !== last.version) {
      const said = "There are no answers to choose among here; generate first.";
      void vscode.window.showInformationMessage(said);
      return;
    }
    const pick = vscode.window.createQuickPick<Entry>();
    pick.title = `Ensemble: the models agree to ${percent(last.generation.agreement)}`;
    pick.placeholder = "Enter applies, Escape leaves the file as it is";
    pick.items = entries(last.generation);
    pick.matchOnDescription = true;
    pick.ignoreFocusOut = true;
    let wanted: Entry | undefined;
    let shown = Promise.resolve();
    // One preview after the other, and only of what is still looked at.
    const show = (entry: Entry): void => {
      wanted = entry;
      shown = shown
        .then(() =>
          wanted === entry ? this.preview(last.document, last.generation, entry) : undefined,
        )
        .catch((error: unknown) => console.warn("no preview:", error));
    };
    const chosen = await new Promise<Entry | undefined>((done) => {
      pick.onDidChangeActive(([entry]) => {
        if (entry?.candidate) show(entry);
      });
      pick.onDidAccept(() => done(pick.activeItems[0]));
      pick.onDidHide(() => done(undefined));
      pick.show();
    });
    pick.dispose();
    // A preview that is still being opened would stay.
    wanted = undefined;
    await shown;
    this.texts.clear();
    await closePreviews();
    // Only where it was left: to focus it again would close what the user opened meanwhile.
    if (vscode.window.activeTextEditor?.document !== last.document) {
      await vscode.window.showTextDocument(last.document, { preserveFocus: false });
    }
    if (chosen?.candidate) await this.apply(chosen.candidate.id);
    else if (chosen?.discard) {
      await attempt(() => this.server.ask("ensemble.reject", { id: last.generation.id }));
    }
  }

  private async apply(id: string | undefined): Promise<void> {
    if (id) await attempt(() => this.server.ask("ensemble.choose", { id }));
  }

  private async preview(
    document: vscode.TextDocument,
    { range }: Generation,
    { candidate, label }: Entry,
  ): Promise<void> {
    if (!candidate) return;
    const whole = document.getText();
    const from = document.offsetAt(new vscode.Position(range.start.line, range.start.character));
    const to = document.offsetAt(new vscode.Position(range.end.line, range.end.character));
    this.texts.set(candidate.id, whole.slice(0, from) + candidate.text + whole.slice(to));
    const name = path.posix.basename(document.uri.path);
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: candidate.id });
    const title = `${name}: ${label.replace(/\$\([^)]*\) /, "")}`;
    await vscode.commands.executeCommand("vscode.diff", document.uri, uri, title, {
      viewColumn: vscode.ViewColumn.Beside,
      preview: true,
      preserveFocus: true,
    } satisfies vscode.TextDocumentShowOptions);
  }

  dispose(): void {
    this.registered.dispose();
  }
}

function entries({ candidates, errors, agreement }: Generation): Entry[] {
  const models = new Set(candidates.flatMap((candidate) => candidate.models)).size;
  const list: Entry[] = candidates.map((candidate, index) => ({
    candidate,
    label: index === 0 ? "$(check-all) Consensus" : `$(sparkle) ${candidate.models.join(" and ")}`,
    description:
      index === 0
        ? `${candidate.models.length} of ${models} models: ${candidate.models.join(", ")}`
        : `${candidate.models.length} of ${models} models`,
    detail: firstLines(candidate.text),
    ...(index === 0 ? { picked: agreement > 0 } : {}),
  }));
  const failed = Object.entries(errors).map(([name, error]) => ({
    label: `$(warning) ${name} did not answer`,
    detail: error,
  }));
  const separator = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const discard: Entry = { label: "$(trash) Discard all answers", discard: true };
  return [...list, separator, ...failed, discard];
}

function firstLines(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim());
  const more = lines.length > 2 ? ` … (${lines.length} lines)` : "";
  return (
    lines
      .slice(0, 2)
      .map((line) => line.trim())
      .join(" ⏎ ") + more
  );
}

async function closePreviews(
  tabs: readonly vscode.Tab[] = vscode.window.tabGroups.all.flatMap((group) => group.tabs),
): Promise<void> {
  const ours = tabs.filter(
    ({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.scheme === SCHEME,
  );
  if (ours.length) await vscode.window.tabGroups.close(ours);
}
