// Explanations: a page beside the code, and whether it was helpful, in one click.
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";
import { explanationPage, type Pages, questionPart } from "./pages";
import type { Diagnostic, Explanation, Range } from "./protocol";

const TITLE = "Explanation";
/** True while a page with an explanation is in front: the editor title shows the buttons. */
const CONTEXT = "ensemble.explanationShown";

export interface Place {
  uri: string;
  range: Range;
  /** The problems to explain instead of the code. */
  diagnostics?: Diagnostic[];
}

/** An explanation with its page, and the code that it explains. */
interface Shown {
  place: Place;
  explanation: Explanation;
  document: vscode.TextDocument | undefined;
  code: string;
  page: string;
  uri?: vscode.Uri;
}

export class Explanations implements vscode.Disposable {
  private last: Shown | undefined;
  private readonly registered = vscode.window.tabGroups.onDidChangeTabs(() => this.updateContext());

  constructor(
    private readonly server: ServerConnection,
    private readonly pages: Pages,
    private readonly newest: { latest: string | undefined } = { latest: undefined },
  ) {}

  /** Explain the selection, or the line of the cursor. */
  async explainSelection({ document, selection }: vscode.TextEditor): Promise<void> {
    const { start, end } = selection.isEmpty ? document.lineAt(selection.active).range : selection;
    await this.explain({ uri: document.uri.toString(), range: { start, end } });
  }

  /** Explain a range, with progress, on a page beside the code. */
  async explain(place: Place, model?: string): Promise<void> {
    const location = vscode.ProgressLocation.Notification;
    const options = { location, title: "Ensemble: explaining", cancellable: true };
    const argument = { ...place, ...(model ? { model } : {}) };
    const explanation = await vscode.window.withProgress(options, (_, token) =>
      this.server.executeCommand("ensemble.explain", argument, token),
    );
    const page = explanationPage(explanation);
    this.last = { place, explanation, ...opened(place), page };
    this.newest.latest = explanation.id;
    this.last.uri = await this.pages.show(TITLE, this.last.page);
    await this.updateContext();
  }

  /** Ask a question that follows the last explanation; the answer is added to its page. */
  async askOn(): Promise<void> {
    const { last } = this;
    if (!last?.uri) throw new Error("There is no explanation yet. Explain some code first.");
    const range = rangeOf(last);
    if (!range) throw new Error("The code has changed. Explain it again, then ask.");
    const title = "Ensemble: Ask a Follow-Up Question";
    const prompt = "What do you want to know about this code?";
    const question = (await vscode.window.showInputBox({ title, prompt }))?.trim();
    if (!question) return;
    const before = last.page;
    const head = before + questionPart(question);
    this.pages.update(last.uri, `${head}*Waiting for the answer …*\n`);
    const [model] = last.explanation.models;
    const argument = {
      ...last.place,
      range,
      question,
      previous: before,
      ...(model ? { model } : {}),
    };
    try {
      const location = vscode.ProgressLocation.Notification;
      const options = { location, title: "Ensemble: answering", cancellable: true };
      const answer = await vscode.window.withProgress(options, (_, token) =>
        this.server.executeCommand("ensemble.explain", argument, token),
      );
      last.page = head + explanationPage(answer);
      this.newest.latest = answer.id;
    } finally {
      this.pages.update(last.uri, last.page);
    }
  }

  /** Ask a model of the user's choice for the last explanation's code; this refuses the last explanation. */
  async explainWithModel(): Promise<void> {
    if (!this.last) throw new Error("There is no explanation yet. Explain some code first.");
    const { place, explanation } = this.last;
    const models = await this.server.executeCommand("ensemble.models", {});
    const items = models
      .filter(({ tasks, available }) => available && tasks.includes("explain"))
      .map(({ name }) => ({
        label: name,
        description: explanation.models.includes(name) ? "wrote this explanation" : "",
      }));
    const title = "Ensemble: Explain with Which Model?";
    const chosen = await vscode.window.showQuickPick(items, { title });
    if (chosen) await this.explain(place, chosen.label);
  }

  /** Say whether an explanation, by default the last one, was helpful. */
  async judge(helpful: boolean, id = this.last?.explanation.id): Promise<void> {
    if (!id) throw new Error("There is no explanation yet. Explain some code first.");
    await this.server.executeCommand(helpful ? "ensemble.accept" : "ensemble.reject", { id });
    const judged = helpful ? "helpful" : "not helpful";
    vscode.window.setStatusBarMessage(`Ensemble: the explanation is noted as ${judged}`, 4000);
  }

  private async updateContext(): Promise<void> {
    const label = vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? "";
    const shown = this.last !== undefined && label.includes(`${TITLE}.md`);
    await vscode.commands.executeCommand("setContext", CONTEXT, shown);
  }

  dispose(): void {
    this.registered.dispose();
  }
}

function opened({ uri, range }: Place): Pick<Shown, "document" | "code"> {
  const documents = vscode.workspace.textDocuments;
  const document = documents.find((one) => one.uri.toString() === uri);
  return { document, code: document ? textIn(document, range) : "" };
}

function textIn(document: vscode.TextDocument, { start, end }: Range): string {
  return document.getText(new vscode.Range(start.line, start.character, end.line, end.character));
}

/** Where the explained code is now; undefined if it was changed. Changes elsewhere may have moved it. */
function rangeOf({ document, place: { range }, code }: Shown): Range | undefined {
  if (document?.isClosed !== false) return undefined;
  if (textIn(document, range) === code) return range;
  const text = document.getText();
  const at = text.indexOf(code);
  if (!code.trim() || at < 0 || text.includes(code, at + 1)) return undefined;
  return { start: document.positionAt(at), end: document.positionAt(at + code.length) };
}

/** Allow an explanation's hover to run the two commands that judge it, and no other command. */
export function trustJudgement(hover: vscode.Hover): vscode.Hover {
  for (const content of hover.contents) {
    if (content instanceof vscode.MarkdownString) {
      content.isTrusted = {
        enabledCommands: ["ensemble.explanationHelpful", "ensemble.explanationNotHelpful"],
      };
    }
  }
  return hover;
}
