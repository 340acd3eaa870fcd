// The usage report, and the comparison of models on the user's own code.
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";
import { pickTask } from "./models";
import type { Pages } from "./pages";
import type { ReportPaths, Task } from "./protocol";
import { readyFor } from "./setup";

export async function openReport(server: ServerConnection, pages: Pages): Promise<void> {
  const paths = await server.executeCommandWithProgress(
    "Ensemble: writing the report",
    "ensemble.report",
    {},
  );
  await showReport(pages, "Report", paths);
}

/** Ask for the comparison's options and run it. The server itself asks before it costs anything. */
export async function compareModels(server: ServerConnection, pages: Pages): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (!folder) throw new Error("Open a folder first: the models are compared on its code.");
  const task = await pickTask("Compare Models on Which Task?");
  if (!task) return;
  if (!(await readyFor(server, task))) return;
  const models = await pickModels(server, task);
  if (!models?.length) return;
  const samples = await vscode.window.showInputBox({
    title: "Number of Samples",
    prompt: "How many places of your code to compare the models on",
    value: "20",
    validateInput: (text) =>
      /^[1-9]\d{0,3}$/.test(text) ? null : "Enter a number from 1 to 9999.",
  });
  if (!samples) return;
  const argument = { paths: [folder], task, models, samples: Number(samples) };
  const title = `Ensemble: comparing ${models.length} model${models.length === 1 ? "" : "s"}`;
  const result = await server.executeCommandWithProgress(title, "ensemble.compare", argument);
  await showReport(pages, "Comparison", result);
}

async function pickModels(server: ServerConnection, task: Task): Promise<string[] | undefined> {
  const models = await server.executeCommand("ensemble.models", {});
  const available = models.filter((model) => model.available && model.tasks.includes(task));
  if (!available.length) {
    throw new Error(`No model can ${task} now. "Ensemble: Show Models" says why.`);
  }
  const items = available.map(({ name, provider, local }) => ({
    label: name,
    description: local ? `${provider}, on this machine` : `${provider}, receives your code`,
    picked: true,
  }));
  const options = { title: "Compare Which Models?", canPickMany: true } as const;
  return (await vscode.window.showQuickPick(items, options))?.map((item) => item.label);
}

async function showReport(
  pages: Pages,
  title: string,
  { markdown, html }: Partial<ReportPaths>,
): Promise<void> {
  if (markdown) {
    const text = path.isAbsolute(markdown) ? await readFile(markdown, "utf8") : markdown;
    await pages.show(title, text);
  }
  if (!html) return;
  const open = "Open in the browser";
  const message = `Ensemble: the full ${title.toLowerCase()} is in ${html}`;
  void vscode.window.showInformationMessage(message, open).then((chosen) => {
    if (chosen) void vscode.env.openExternal(vscode.Uri.file(html));
  });
}
