// The answers of an ensemble: a list to choose from, each with a diff beside the code.
import * as path from "node:path";
import * as vscode from "vscode";

import { columnBeside } from "./beside";
import { type ServerConnection, showErrors } from "./connection";
import { formattingOptions } from "./formatting";
import { describe, showMessage } from "./problems";
import type { Candidate, Generate, Generation } from "./protocol";

const SCHEME = "ensemble-candidate";

export interface Entry extends vscode.QuickPickItem {
  candidate?: Candidate;
  /** The model that failed. */
  failed?: string;
  discard?: true;
}

export class CandidatePicker implements vscode.TextDocumentContentProvider, vscode.Disposable {
  /** The whole file with each candidate applied, by the candidate's id. */
  private readonly texts = new Map<string, string>();
  private readonly registrations = vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
    // VS Code reports a new tab shortly after the command that opened it has ended.
    vscode.window.tabGroups.onDidChangeTabs(({ opened }) => {
      if (!this.texts.size) void closePreviews(opened);
    }),
  );
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeAnswers = this.changed.event;
  /** An answer fits its document until that is changed or closed. */
  private readonly edits = vscode.Disposable.from(
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (document === this.last?.document) this.changed.fire();
    }),
    vscode.workspace.onDidCloseTextDocument((document) => {
      if (document === this.last?.document) this.changed.fire();
    }),
  );
  private last:
    { generation: Generation; document: vscode.TextDocument; version: number } | undefined;

  constructor(
    private readonly server: ServerConnection,
    private readonly newest: { latest: string | undefined } = { latest: undefined },
  ) {}

  /** The last generation, while its answers fit the document. */
  get current(): Generation | undefined {
    const { last } = this;
    const stale = !last || last.document.isClosed || last.document.version !== last.version;
    return stale ? undefined : last.generation;
  }

  /** Show the difference of one answer, outside the list. */
  async show(entry: Entry): Promise<void> {
    if (this.last && this.current) await this.preview(this.last.document, this.current, entry);
  }

  /** Apply one answer, outside the list. */
  async use({ candidate }: Entry): Promise<void> {
    if (!this.current) return;
    await this.apply(candidate?.id);
    this.texts.clear();
    await closePreviews();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.query) ?? "";
  }

  /** Ask for an instruction, generate code at the cursor or selection, and let the user choose. */
  async generate(editor: vscode.TextEditor): Promise<void> {
    const instruction = await vscode.window.showInputBox({
      title: "Generate with ensemble",
      prompt: "What should the code do? Leave it empty to use the comment, docstring or selection.",
    });
    if (instruction === undefined) return;
    await this.generateAt(editor.document, editor.selection, instruction);
  }

  /** Generate code at a place and let the user choose. */
  async generateAt(
    document: vscode.TextDocument,
    { start, end }: vscode.Range,
    instruction: string,
  ): Promise<void> {
    const uri = document.uri.toString();
    await this.ask({ uri, range: { start, end }, instruction }, document);
  }

  /** Generate code and let the user choose. */
  async ask(request: Generate, opened?: vscode.TextDocument): Promise<void> {
    const document = opened ?? openDocument(request.uri);
    if (!document) return;
    const formatting = formattingOptions(request.uri);
    const generation = await showErrors(() =>
      this.server.executeCommandWithProgress("Ensemble: generating", "ensemble.generate", {
        ...request,
        apply: false,
        ...(formatting ? { formattingOptions: { ...formatting } } : {}),
      }),
    );
    if (!generation) return;
    this.last = { generation, document, version: document.version };
    this.newest.latest = generation.candidates[0]?.id;
    this.changed.fire();
    await this.choose();
  }

  /** Choose among the answers of the last generation. */
  async choose(): Promise<void> {
    const { last } = this;
    if (!last || last.document.isClosed || last.document.version !== last.version) {
      const message = "There are no answers for this version of the file. Generate again.";
      void vscode.window.showInformationMessage(message);
      return;
    }
    const pick = vscode.window.createQuickPick<Entry>();
    pick.title = title(last.generation);
    pick.placeholder = "Enter applies the answer, Escape leaves the file unchanged";
    pick.items = entries(last.generation);
    pick.matchOnDescription = true;
    pick.ignoreFocusOut = true;
    let active: Entry | undefined;
    let previews = Promise.resolve();
    // Previews open one after the other, and only for the entry that is still active.
    const show = (entry: Entry): void => {
      active = entry;
      previews = previews
        .then(() =>
          active === entry ? this.preview(last.document, last.generation, entry) : undefined,
        )
        .catch((error: unknown) => console.warn("no preview:", error));
    };
    const chosen = await new Promise<Entry | undefined>((resolve) => {
      pick.onDidChangeActive(([entry]) => {
        if (entry?.candidate) show(entry);
      });
      pick.onDidAccept(() => resolve(pick.activeItems[0]));
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
    pick.dispose();
    // Wait for a preview that is still opening, so that it is closed too.
    active = undefined;
    await previews;
    this.texts.clear();
    await closePreviews();
    // Only if the editor lost the focus: focusing it again would close what the user has opened.
    if (vscode.window.activeTextEditor?.document !== last.document) {
      await vscode.window.showTextDocument(last.document, { preserveFocus: false });
    }
    if (chosen) await this.conclude(chosen, last.generation);
  }

  private async conclude(
    { candidate, failed, detail, discard }: Entry,
    { id }: Generation,
  ): Promise<void> {
    if (candidate) await this.apply(candidate.id);
    else if (failed) void this.explainFailure(failed, detail ?? "");
    else if (discard) await this.discard(id);
  }

  /** Show why a model gave no answer, with the buttons that fix it and one that leads back. */
  private async explainFailure(name: string, reason: string): Promise<void> {
    const models = await this.server.executeCommand("ensemble.models", {}).catch(() => []);
    const problem = models.find((model) => model.name === name)?.problem;
    const back = { label: "Back to the Answers", command: "ensemble.showCandidates" };
    await showMessage(reason, [back, ...describe(problem).fixes]);
  }

  private async apply(id: string | undefined): Promise<void> {
    if (!id) return;
    this.newest.latest = id;
    await showErrors(() => this.server.executeCommand("ensemble.choose", { id }));
  }

  private async discard(id: string): Promise<void> {
    await showErrors(() => this.server.executeCommand("ensemble.reject", { id }));
  }

  private async preview(
    document: vscode.TextDocument,
    { range }: Generation,
    { candidate, label }: Entry,
  ): Promise<void> {
    if (!candidate) return;
    const text = document.getText();
    const start = document.offsetAt(new vscode.Position(range.start.line, range.start.character));
    const end = document.offsetAt(new vscode.Position(range.end.line, range.end.character));
    this.texts.set(candidate.id, text.slice(0, start) + candidate.text + text.slice(end));
    const name = path.posix.basename(document.uri.path);
    const uri = await previewUri(document, candidate.id);
    const title = `${name}: ${label.replace(/\$\([^)]*\) /, "")}`;
    await vscode.commands.executeCommand("vscode.diff", document.uri, uri, title, {
      viewColumn: columnBeside(vscode.window.activeTextEditor?.viewColumn),
      preview: true,
      preserveFocus: true,
    } satisfies vscode.TextDocumentShowOptions);
  }

  dispose(): void {
    this.registrations.dispose();
    this.edits.dispose();
    this.changed.dispose();
  }
}

/** The address of a preview: its name decides the language, except of cells and unsaved files. */
async function previewUri(
  { uri, languageId }: vscode.TextDocument,
  id: string,
): Promise<vscode.Uri> {
  const named = uri.scheme === "file";
  const { name, base } = path.posix.parse(uri.path);
  const file = `/${named ? base : name}`;
  const preview = vscode.Uri.from({ scheme: SCHEME, path: file, query: id });
  if (named) return preview;
  const opened = await vscode.workspace.openTextDocument(preview);
  if (opened.languageId !== languageId) {
    await vscode.languages.setTextDocumentLanguage(opened, languageId);
  }
  return preview;
}

function openDocument(uri: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri);
}

/**
 * The title of the list: the models that gave the first answer, and those that did not answer. The
 * estimated agreement is on the page "Why this answer": it is low after few generations, even if all
 * models agree.
 */
export function title({ candidates, errors }: Generation): string {
  const models = new Set(candidates.flatMap((candidate) => candidate.models));
  const agreeing = candidates[0]?.models.length ?? 0;
  const failed = Object.keys(errors);
  return `Ensemble: ${agreed(agreeing, models)}${failed.length ? ` · ${joined(failed)} did not answer` : ""}`;
}

function agreed(agreeing: number, models: Set<string>): string {
  if (models.size < 2) return `answer of ${[...models].join()}`;
  return agreeing > 1 ? `${agreeing} of ${models.size} models agree` : "the models disagree";
}

export function joined(names: string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The entries of the list: the answers, failed models, and "Discard". */
export function entries({ candidates, errors, agreement }: Generation): Entry[] {
  const models = new Set(candidates.flatMap((candidate) => candidate.models)).size;
  const answers: Entry[] = candidates.map((candidate, index) => ({
    candidate,
    // A consensus is an answer of two or more models.
    ...(index === 0 && candidate.models.length > 1
      ? {
          label: "$(check-all) Consensus",
          description: `${candidate.models.length} of ${models} models: ${candidate.models.join(", ")}`,
        }
      : {
          label: `$(sparkle) ${candidate.models.join(" and ")}`,
          description: models > 1 ? `${candidate.models.length} of ${models} models` : "",
        }),
    detail: firstLines(candidate.text),
    ...(index === 0 ? { picked: agreement > 0 } : {}),
  }));
  const failed = Object.entries(errors).map(([name, error]) => ({
    label: `$(warning) ${name} failed`,
    detail: error,
    failed: name,
  }));
  const separator = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const discard: Entry = { label: "$(trash) Discard all answers", discard: true };
  return [...answers, separator, ...failed, discard];
}

/** The first two lines of code that are not blank. */
export function firstLines(text: string): string {
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
  const previews = tabs.filter(
    ({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.scheme === SCHEME,
  );
  if (previews.length) await vscode.window.tabGroups.close(previews);
}
