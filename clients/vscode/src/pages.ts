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
  private readonly changes = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changes.event;
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  /** Show a page beside the code. Each has its own address, because VS Code caches a page's text. */
  async show(title: string, markdown: string): Promise<vscode.Uri> {
    const uri = vscode.Uri.from({
      scheme: SCHEME,
      path: `/${title}.md`,
      query: String(++this.count),
    });
    this.texts.set(uri.toString(), markdown);
    const options = { viewColumn: columnBeside(this.codeColumn()) };
    await vscode.commands.executeCommand("vscode.openWith", uri, PREVIEW, options);
    return uri;
  }

  /** Change the text of a page that is open. */
  update(uri: vscode.Uri, markdown: string): void {
    this.texts.set(uri.toString(), markdown);
    this.changes.fire(uri);
  }

  dispose(): void {
    this.registered.dispose();
  }
}

export function explanationPage({ markdown, models }: Explanation): string {
  return `${markdown}\n\n---\n*${models.map(escaped).join(", ")} · ensemble-lsp*\n`;
}

/** A question that follows an explanation, as a part of its page. */
export function questionPart(question: string): string {
  return `\n\n## ${escaped(question)}\n\n`;
}

/** The reason for a choice: one sentence, then the numbers behind it in a section that opens. */
export function whyPage(why: Why): string {
  const agreement =
    why.agreement == null ? "" : `\n\nAgreement between the models: ${percent(why.agreement)}.`;
  const context = Object.entries(why.context)
    .filter(([key]) => key !== "task")
    .map(([key, value]) => `- ${escaped(key.replaceAll("_", " "))}: ${escaped(text(value))}`);
  return [
    `# Why ${why.models.map(escaped).join(" and ") || "this answer"}`,
    `${alsoAsked(why)}${escaped(why.why)}${agreement}`,
    "<details><summary>Details</summary>",
    "### The models",
    scoreList(why.scores),
    "### The request",
    [`- task: ${why.task}`, ...context].join("\n"),
    "</details>",
  ].join("\n\n");
}

/** Of several answers, the reason is that of the first choice, which may be another model's. */
function alsoAsked({ id, models, scores: [first] }: Why): string {
  if (!id || !first || models.includes(first.model)) return "";
  const names = models.map(escaped).join(" and ");
  return `${names} answered too; the first choice was ${escaped(first.model)}. `;
}

/** The numbers of each model. A list wraps where a table would be wider than its column. */
export function scoreList(ranked: Ranked[]): string {
  return ranked
    .map((one) => {
      const range = `${Math.round(100 * one.low)}–${percent(one.high)}`;
      const numbers = [
        `expected reward ${percent(one.expected)} (${range})`,
        `latency ${duration(one.latency_ms)}`,
        `cost ${dollars(one.cost)}`,
        `utility ${one.utility.toFixed(2)}`,
        `${one.observations} observations`,
        ...(one.prior ? [`prior: ${escaped(one.prior)}`] : []),
      ];
      return `- **${escaped(one.model)}**: ${numbers.join(", ")}`;
    })
    .join("\n");
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
