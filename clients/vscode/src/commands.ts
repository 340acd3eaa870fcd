// The commands of the palette.
import * as vscode from "vscode";

import type { Candidates } from "./candidates";
import { attempt, type Server } from "./client";
import type { Dashboard } from "./dashboard";
import { install } from "./install";
import type { Keys } from "./keys";
import { menu } from "./menu";
import { addModel, pin, removeModel, showModels } from "./models";
import { explanationPage, type Pages, whyPage } from "./pages";
import type { Explanation, Why } from "./protocol";
import { compare, report } from "./reports";
import { completes, turn } from "./settings";
import type { Suggestions } from "./suggestions";

export interface Parts {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  server: Server;
  keys: Keys;
  pages: Pages;
  suggestions: Suggestions;
  candidates: Candidates;
  dashboard: Dashboard;
}

export function registerCommands(parts: Parts): void {
  const { context, log, server, keys, pages, suggestions, candidates, dashboard } = parts;
  const restart = (): Promise<void> => server.restart();
  const commands: Record<string, () => unknown> = {
    menu: () => menu(server),
    restart,
    showLog: () => log.show(),
    openSettings: () => open("workbench.action.openSettings", "@ext:ensemble-lsp.ensemble-lsp"),
    openWalkthrough: () =>
      open("workbench.action.openWalkthrough", "ensemble-lsp.ensemble-lsp#ensemble.start"),
    install: async () => {
      if (await install(context, log)) await restart();
    },
    dashboard: () => dashboard.show(),
    generateHere: () => candidates.generate(),
    showCandidates: () => candidates.choose(),
    explainHere: () => explain(server, pages),
    whyThis: () => why(server, pages, suggestions.latest ?? candidates.latest),
    take: () => suggestions.accept(),
    dismiss: () => suggestions.dismiss(),
    showModels: () => showModels(server),
    pinModel: () => pin(server),
    newModel: () => addModel(server),
    dropModel: () => removeModel(server),
    openReport: () => report(server, pages),
    compareModels: () => compare(server, pages),
    storeKey: async () => {
      if (await keys.ask()) await restart();
    },
    removeKey: async () => {
      if (await keys.forget()) await restart();
    },
    toggle: () => toggle(undefined),
    toggleLanguage: () => toggle(vscode.window.activeTextEditor?.document.languageId),
  };
  for (const [name, run] of Object.entries(commands)) {
    const attempted = (): Promise<unknown> => attempt(() => Promise.resolve().then(run));
    const registered = vscode.commands.registerCommand(`ensemble.${name}`, attempted);
    context.subscriptions.push(registered);
  }
}

const open = (command: string, argument: string): Thenable<unknown> =>
  vscode.commands.executeCommand(command, argument);

/** Explain the selection, or the line of the cursor. */
async function explain(server: Server, pages: Pages): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) throw new Error("Open a file first.");
  const { document, selection } = editor;
  const { start, end } = selection.isEmpty ? document.lineAt(selection.active).range : selection;
  await explainAt(server, pages, { uri: document.uri.toString(), range: { start, end } });
}

/** Explain a place, with progress, on a page beside the code. */
export async function explainAt(server: Server, pages: Pages, place: object): Promise<void> {
  const location = vscode.ProgressLocation.Notification;
  const options = { location, title: "Ensemble: explaining", cancellable: true };
  const result = await vscode.window.withProgress(options, (_, token) =>
    server.ask<Explanation>("ensemble.explain", place, token),
  );
  await pages.show("Explanation", explanationPage(result));
}

async function why(server: Server, pages: Pages, id: string | undefined): Promise<void> {
  const asked = await server.ask<Why>("ensemble.why", id ? { id } : here());
  await pages.show(id ? "Why this answer" : "Whom it would ask", whyPage(asked));
}

/** Before anything was suggested: whom it would ask at the cursor. */
function here(): object {
  const editor = vscode.window.activeTextEditor;
  if (!editor)
    throw new Error("Nothing was suggested yet. Open a file: then it says whom it would ask.");
  const uri = editor.document.uri.toString();
  return { uri, position: editor.selection.active, task: "complete" };
}

async function toggle(language: string | undefined): Promise<void> {
  const settings = vscode.workspace.getConfiguration("ensemble");
  const on = language ? completes(language) : settings.get("complete.enabled") !== false;
  await turn(!on, language);
  const where = language ? ` for ${language}` : "";
  const said = `Ensemble: completions are ${on ? "off" : "on"}${where}`;
  vscode.window.setStatusBarMessage(said, 4000);
}
