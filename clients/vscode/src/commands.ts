// The commands of the palette and of the status bar's menu.
import * as vscode from "vscode";
import { type LanguageClient, State } from "vscode-languageclient/node";

interface ModelEntry {
  name: string;
  provider: string;
  model: string;
  tasks: string[];
  available: boolean;
  reason: string;
}

type GetClient = () => LanguageClient | undefined;

export function registerCommands(
  context: vscode.ExtensionContext,
  get: GetClient,
  log: vscode.LogOutputChannel,
  restart: () => Promise<void>,
): void {
  const add = (name: string, run: () => unknown): void => {
    context.subscriptions.push(vscode.commands.registerCommand(name, run));
  };
  add("ensemble.restart", restart);
  add("ensemble.showLog", () => log.show());
  add("ensemble.menu", () => menu(get));
  add("ensemble.generateHere", () => generate(get));
  add("ensemble.explainHere", () => explain(get));
  add("ensemble.showModels", () => showModels(get));
  add("ensemble.pinModel", () => pin(get));
}

async function ask<T>(get: GetClient, command: string, argument: object): Promise<T | undefined> {
  const client = get();
  if (client?.state !== State.Running) {
    void vscode.window.showWarningMessage("The Ensemble server is not running; see its log.");
    return undefined;
  }
  const params = { command, arguments: [argument] };
  return (await client.sendRequest("workspace/executeCommand", params)) as T;
}

function place(): { uri: string; range: object } | undefined {
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    void vscode.window.showInformationMessage("Open a file first.");
    return undefined;
  }
  const { start, end } = editor.selection;
  return { uri: editor.document.uri.toString(), range: { start, end } };
}

async function generate(get: GetClient): Promise<void> {
  const here = place();
  if (!here) return;
  const instruction = await vscode.window.showInputBox({
    prompt: "What should be written? Leave empty to go by the comment or docstring.",
  });
  if (instruction === undefined) return;
  try {
    await ask(get, "ensemble.generate", { ...here, instruction });
  } catch (error) {
    void vscode.window.showErrorMessage((error as Error).message);
  }
}

async function explain(get: GetClient): Promise<void> {
  const here = place();
  if (!here) return;
  const location = vscode.ProgressLocation.Notification;
  try {
    const result = await vscode.window.withProgress({ location, title: "Explaining" }, () =>
      ask<{ markdown: string; models: string[] }>(get, "ensemble.explain", here),
    );
    if (!result) return;
    const content = `${result.markdown}\n\n---\n*${result.models.join(", ")}*\n`;
    const document = await vscode.workspace.openTextDocument({ language: "markdown", content });
    await vscode.window.showTextDocument(document, vscode.ViewColumn.Beside, true);
  } catch (error) {
    void vscode.window.showErrorMessage((error as Error).message);
  }
}

async function showModels(get: GetClient): Promise<void> {
  const models = await ask<ModelEntry[]>(get, "ensemble.models", {});
  if (!models) return;
  const items = models.map((model) => ({
    label: `${model.available ? "$(check)" : "$(circle-slash)"} ${model.name}`,
    description: `${model.provider} ${model.model}`,
    detail: model.available ? model.tasks.join(", ") : model.reason,
  }));
  await vscode.window.showQuickPick(items, { title: "Ensemble: models", matchOnDetail: true });
}

async function pin(get: GetClient): Promise<void> {
  const task = await vscode.window.showQuickPick(["complete", "explain", "generate"], {
    title: "Pin a model for which task?",
  });
  const models = task && (await ask<ModelEntry[]>(get, "ensemble.models", {}));
  if (!models) return;
  const auto = "Let the selector choose";
  const names = models.filter((m) => m.tasks.includes(task)).map((m) => m.name);
  const name = await vscode.window.showQuickPick([auto, ...names], { title: `Model for ${task}` });
  if (name) await ask(get, "ensemble.pin", { task, name: name === auto ? null : name });
}

async function menu(get: GetClient): Promise<void> {
  const running = get()?.state === State.Running;
  const entries = running
    ? [
        ["$(list-unordered) Models", "ensemble.showModels"],
        ["$(pin) Pin a model for a task", "ensemble.pinModel"],
        ["$(wand) Generate here", "ensemble.generateHere"],
        ["$(info) Explain here", "ensemble.explainHere"],
      ]
    : [];
  entries.push(["$(output) Log", "ensemble.showLog"], ["$(refresh) Restart", "ensemble.restart"]);
  const items = entries.map(([label, command]) => ({ label: label ?? "", command: command ?? "" }));
  const chosen = await vscode.window.showQuickPick(items, { title: "Ensemble" });
  if (chosen) await vscode.commands.executeCommand(chosen.command);
}
