// The VS Code client of ensemble-lsp. What an editor can do by the protocol alone is left to it.
import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, type ServerOptions } from "vscode-languageclient/node";

import { registerCommands } from "./commands";
import { findServer } from "./server";
import { type Status, StatusItem } from "./status";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const status = new StatusItem();
  const log = vscode.window.createOutputChannel("Ensemble", { log: true });
  context.subscriptions.push(status, log);
  const restart = async (): Promise<void> => {
    await client?.stop().catch(() => undefined);
    client = await start(status, log);
  };
  registerCommands(context, () => client, log, restart);
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("ensemble.server.path")) void restart();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void restart()),
  );
  await restart();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

async function start(
  status: StatusItem,
  log: vscode.LogOutputChannel,
): Promise<LanguageClient | undefined> {
  const program = await findServer();
  if (!program) {
    status.failed("ensemble-lsp was not found.");
    void offerHelp();
    return undefined;
  }
  const server: ServerOptions = { command: program, args: ["serve", "--stdio"] };
  const made = new LanguageClient("ensemble", "Ensemble", server, {
    documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: { workspaceTrusted: vscode.workspace.isTrusted },
    synchronize: { configurationSection: "ensemble" },
    markdown: { isTrusted: false, supportHtml: false },
  });
  made.onNotification("ensemble/status", (params: Status) => status.update(params));
  try {
    await made.start();
    status.ready();
  } catch (error) {
    status.failed(String(error));
    return undefined;
  }
  return made;
}

async function offerHelp(): Promise<void> {
  const set = "Open the setting";
  const chosen = await vscode.window.showWarningMessage(
    'ensemble-lsp is not installed. Run: pip install "ensemble-lsp[local]", then restart the server.',
    set,
  );
  if (chosen === set) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "ensemble.server.path");
  }
}
