// The VS Code client of ensemble-lsp: the composition root. What the protocol alone does is left to it.
import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

import { Candidates } from "./candidates";
import { attempt, Server } from "./client";
import { explainAt, registerCommands } from "./commands";
import { Dashboard } from "./dashboard";
import { Keys } from "./keys";
import { Pages } from "./pages";
import { chosenProgram } from "./server";
import { StatusItem } from "./status";
import { Suggestions } from "./suggestions";

let running: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("Ensemble", { log: true });
  const keys = new Keys(context.secrets, context.globalState);
  const pages = new Pages();
  const suggestions = new Suggestions();
  const server: Server = new Server(
    context,
    keys,
    log,
    middleware(suggestions, pages, () => server),
  );
  suggestions.attach(server);
  const candidates = new Candidates(server);
  const dashboard = new Dashboard(context, server);
  const status = new StatusItem(server);
  context.subscriptions.push(log, pages, suggestions, server, candidates, dashboard, status);
  registerCommands({ context, log, server, keys, pages, suggestions, candidates, dashboard });
  let program = chosenProgram();
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration(() => {
      // A workspace that names a program, too, is a change: one that nobody heeds.
      if (program === chosenProgram()) return;
      program = chosenProgram();
      void server.restart();
    }),
    // What the workspace may set and which interpreter counts changes with it.
    vscode.workspace.onDidGrantWorkspaceTrust(() => void server.restart()),
    server.onPhase(({ phase, reason }) => {
      if (phase === "missing") void offerToInstall();
      if (phase === "failed") void offerHelp(reason);
    }),
  );
  running = server;
  await server.restart();
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}

function middleware(suggestions: Suggestions, pages: Pages, server: () => Server): Middleware {
  return {
    provideInlineCompletionItems: suggestions.provide,
    // A generation takes seconds: it gets a notification that cancels it.
    resolveCodeAction: (item, token, next) => {
      const task = (item as { data?: { task?: string } }).data?.task;
      if (task !== "generate") return next(item, token);
      const location = vscode.ProgressLocation.Notification;
      const options = { location, title: item.title, cancellable: true };
      return vscode.window.withProgress(options, async (_, cancelled) => {
        const resolved: vscode.CodeAction | null | undefined = await next(item, cancelled);
        return resolved;
      });
    },
    executeCommand: (command, args, next) => {
      const [argument] = args as [{ show?: boolean } | undefined];
      if (command !== "ensemble.explain" || !argument?.show) return next(command, args) as unknown;
      return attempt(() => explainAt(server(), pages, { ...argument, show: false }));
    },
  };
}

async function offerToInstall(): Promise<void> {
  const install = "Install it";
  const choose = "Choose the program";
  const said =
    "Ensemble needs its server, ensemble-lsp, and found none. It can install it into a " +
    "virtual environment of its own.";
  const chosen = await vscode.window.showWarningMessage(said, install, choose);
  if (chosen === install) await vscode.commands.executeCommand("ensemble.install");
  if (chosen === choose) await openPathSetting();
}

async function offerHelp(reason: string): Promise<void> {
  const show = "Show the log";
  const choose = "Choose the program";
  const chosen = await vscode.window.showErrorMessage(`Ensemble: ${reason}`, show, choose);
  if (chosen === show) await vscode.commands.executeCommand("ensemble.showLog");
  if (chosen === choose) await openPathSetting();
}

async function openPathSetting(): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.openSettings", "ensemble.server.path");
}
