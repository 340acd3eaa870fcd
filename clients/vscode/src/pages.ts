// Markdown pages without a file: explanations, the reasons for a choice, and reports.
import * as vscode from "vscode";

import { columnBeside } from "./beside";
import { duration } from "./duration";
import { escaped } from "./markdown";
import type { Explanation, Model, Ranked, Why } from "./protocol";

const SCHEME = "ensemble-page";
/** The editor of VS Code that shows Markdown; opened by its name, it obeys the column. */
const PREVIEW = "vscode.markdown.preview.editor";

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private count = 0;
  /** The column of the code that a page belongs to. */
  codeColumn: () => vscode.ViewColumn | undefined = () =>
    vscode.window.activeTextEditor?.viewColumn;
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  /** Show a page beside the code. Each has its own address, because VS Code caches a page's text. */
  async show(title: string, markdown: string): Promise<void> {
    const uri = vscode.Uri.from({
      scheme: SCHEME,
      path: `/${title}.md`,
      query: String(++this.count),
    });
    this.texts.set(uri.toString(), markdown);
    const options = { viewColumn: columnBeside(this.codeColumn()) };
    await vscode.commands.executeCommand("vscode.openWith", uri, PREVIEW, options);
  }

  dispose(): void {
    this.registered.dispose();
  }
}

export function explanationPage({ markdown, models }: Explanation): string {
  return `${markdown}\n\n---\n*${models.map(escaped).join(", ")} · ensemble-lsp*\n`;
}

/** The reason for a choice: one sentence, then the numbers behind it in a section that opens. */
export function whyPage(why: Why): string {
  const agreement =
    why.agreement == null ? "" : `\n\nAgreement between the models: ${percent(why.agreement)}.`;
  const context = Object.entries(why.context)
    .filter(([key]) => key !== "task")
    .map(([key, value]) => `| ${escaped(key)} | ${escaped(text(value))} |`);
  return [
    `# Why ${why.models.map(escaped).join(" and ") || "this answer"}`,
    `${escaped(why.why)}${agreement}`,
    "<details><summary>Details</summary>",
    scoreTable(why.scores),
    "### The request",
    ["| | |", "| --- | --- |", `| task | ${why.task} |`, ...context].join("\n"),
    "</details>",
  ].join("\n\n");
}

export function scoreTable(ranked: Ranked[]): string {
  const rows = ranked.map(
    (one) =>
      `| ${escaped(one.model)} | ${percent(one.expected)} (${Math.round(100 * one.low)}–${percent(one.high)}) ` +
      `| ${duration(one.latency_ms)} | ${dollars(one.cost)} | ${one.utility.toFixed(2)} ` +
      `| ${one.observations} |`,
  );
  const head = "| model | expected reward | latency | cost | utility | observations |";
  const priors = ranked
    .filter((one) => one.prior)
    .map((one) => `- Prior of ${escaped(one.model)}: ${escaped(one.prior)}`);
  const table = [head, "| --- | --- | --- | --- | --- | --- |", ...rows].join("\n");
  return [table, priors.join("\n")].join("\n\n");
}

/** The tasks of a model, or the reason why it is not available. */
export function modelSummary(model: Model): string {
  return model.available ? model.tasks.join(", ") : model.reason;
}

export const percent = (share: number): string => `${Math.round(100 * share)} %`;
export const dollars = (usd: number): string => (usd ? `$${usd.toPrecision(2)}` : "free");

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
