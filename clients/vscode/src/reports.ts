// The report from history, and the comparison of models on the user's own code.
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";

import type { Server } from "./client";
import { pickTask } from "./models";
import type { Pages } from "./pages";
import type { Model, Task } from "./protocol";

/** The paths of what was written. */
interface Written {
  markdown?: string;
  html?: string;
}

export async function report(server: Server, pages: Pages): Promise<void> {
  await show(
    pages,
    "Report",
    await server.askWithProgress<Written>("Ensemble: the report", "ensemble.report", {}),
  );
}

/** Ask what to compare, then let the server do it; where it costs something, it asks itself. */
export async function compare(server: Server, pages: Pages): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (!folder) throw new Error("Open a folder first: its code is what models are measured on.");
  const task = await pickTask("Compare at which task?");
  const models = task && (await chooseModels(server, task));
  if (!models?.length) return;
  const samples = await vscode.window.showInputBox({
    title: "On how many places of your code?",
    value: "20",
    validateInput: (text) => (/^[1-9]\d{0,3}$/.test(text) ? null : "A number from 1 to 9999."),
  });
  if (!samples) return;
  const argument = { paths: [folder], task, models, samples: Number(samples) };
  const title = `Ensemble: comparing ${models.length} models`;
  const written = await server.askWithProgress<Written>(title, "ensemble.compare", argument);
  await show(pages, "Comparison", written);
}

async function chooseModels(server: Server, task: Task): Promise<string[] | undefined> {
  const models = await server.ask<Model[]>("ensemble.models", {});
  const able = models.filter((model) => model.available && model.tasks.includes(task));
  const items = able.map(({ name, provider, local }) => ({
    label: name,
    description: local ? `${provider}, on this machine` : `${provider}: your code is sent there`,
    picked: true,
  }));
  const options = { title: "Compare which models?", canPickMany: true } as const;
  return (await vscode.window.showQuickPick(items, options))?.map((item) => item.label);
}

async function show(pages: Pages, title: string, { markdown, html }: Written): Promise<void> {
  if (markdown) {
    const text = path.isAbsolute(markdown) ? await readFile(markdown, "utf8") : markdown;
    await pages.show(title, text);
  }
  if (!html) return;
  const openIt = "Open it in the browser";
  const said = `Ensemble: the whole ${title.toLowerCase()} is ${html}`;
  void vscode.window.showInformationMessage(said, openIt).then((chosen) => {
    if (chosen) void vscode.env.openExternal(vscode.Uri.file(html));
  });
}
