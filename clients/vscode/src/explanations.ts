// Explanations: a page beside the code, and whether it was helpful, in one click.
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";
import { explanationPage, type Pages } from "./pages";
import type { Diagnostic, Explanation, Range } from "./protocol";

const TITLE = "Explanation";
/** True while a page with an explanation is in front: the editor title shows the buttons. */
const CONTEXT = "ensemble.explanationShown";

interface Place {
  uri: string;
  range: Range;
  /** The problems to explain instead of the code. */
  diagnostics?: Diagnostic[];
}

export class Explanations implements vscode.Disposable {
  private last: { place: Place; explanation: Explanation } | undefined;
  private readonly registered = vscode.window.tabGroups.onDidChangeTabs(() => this.updateContext());

  constructor(
    private readonly server: ServerConnection,
    private readonly pages: Pages,
  ) {}

  /** Explain the selection, or the line of the cursor. */
  async explainSelection(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) throw new Error("Open a file first.");
    const { document, selection } = editor;
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
    this.last = { place, explanation };
    await this.pages.show(TITLE, explanationPage(explanation));
    await this.updateContext();
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
