// Markdown pages that belong to no file: explanations, reasons, reports.
import * as vscode from "vscode";

import type { Explanation, Model, Ranked, Why } from "./protocol";
import { duration } from "./status";

const SCHEME = "ensemble-page";

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private count = 0;
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  /** Show a page beside the code. Each has an address of its own: VS Code keeps the text of an old one. */
  async show(title: string, markdown: string): Promise<void> {
    const uri = vscode.Uri.from({
      scheme: SCHEME,
      path: `/${title}.md`,
      query: String(++this.count),
    });
    this.texts.set(uri.toString(), markdown);
    await vscode.commands.executeCommand("markdown.showPreviewToSide", uri);
  }

  dispose(): void {
    this.registered.dispose();
  }
}

export function explanationPage({ markdown, models }: Explanation): string {
  return `${markdown}\n\n---\n*${models.map(cell).join(", ")} · ensemble-lsp*\n`;
}

/** The reasons of a choice: words first, then what was thought of each model. */
export function whyPage(why: Why): string {
  const agreement =
    why.agreement == null ? "" : `\n\nThe models agree to ${percent(why.agreement)}.`;
  const context = Object.entries(why.context)
    .filter(([key]) => key !== "task")
    .map(([key, value]) => `| ${cell(key)} | ${cell(text(value))} |`);
  return [
    `# Why ${why.models.map(cell).join(" and ") || "this"}`,
    `${why.why}${agreement}`,
    scores(why.scores),
    "## What was asked",
    ["| | |", "| --- | --- |", `| task | ${why.task} |`, ...context].join("\n"),
  ].join("\n\n");
}

export function scores(ranked: Ranked[]): string {
  const rows = ranked.map(
    (one) =>
      `| ${cell(one.model)} | ${percent(one.expected)} (${Math.round(100 * one.low)}–${percent(one.high)}) ` +
      `| ${duration(one.latency_ms)} | ${dollars(one.cost)} | ${one.utility.toFixed(2)} ` +
      `| ${one.observations} |`,
  );
  const head = "| model | expected reward | answer | cost | score | seen |";
  const before = ranked
    .filter((one) => one.prior)
    .map((one) => `- Before anything was seen of ${cell(one.model)}: ${cell(one.prior)}`);
  const table = [head, "| --- | --- | --- | --- | --- | --- |", ...rows].join("\n");
  return [table, before.join("\n")].join("\n\n");
}

export function modelLine(model: Model): string {
  return model.available ? model.tasks.join(", ") : model.reason;
}

export const percent = (share: number): string => `${Math.round(100 * share)} %`;
export const dollars = (usd: number): string => (usd ? `$${usd.toPrecision(2)}` : "free");

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a provider or a repository named must not become markup. */
function cell(value: string): string {
  return value.replace(/[\\`*_{}[\]()<>#|!]/g, "\\$&").replace(/\s+/g, " ");
}
