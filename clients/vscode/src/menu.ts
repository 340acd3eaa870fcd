// The menu of the status bar item.
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";
import { disabledLanguages } from "./settings";

interface Entry extends vscode.QuickPickItem {
  command?: string;
}

export async function showMenu(server: ServerConnection): Promise<void> {
  const items = server.running
    ? serverEntries()
    : [entry("cloud-download", "Install the server", "install")];
  items.push(
    separator(),
    entry("output", "Show the log", "showLog"),
    entry("refresh", "Restart the server", "restart"),
    entry("gear", "Settings", "openSettings"),
    entry("book", "Get started", "openWalkthrough"),
  );
  const chosen = await vscode.window.showQuickPick(items, { title: "Ensemble" });
  if (chosen?.command) await vscode.commands.executeCommand(chosen.command);
}

function serverEntries(): Entry[] {
  const language = vscode.window.activeTextEditor?.document.languageId;
  const on = vscode.workspace.getConfiguration("ensemble").get("complete.enabled") !== false;
  const offHere = language !== undefined && disabledLanguages().includes(language);
  const toggleLanguage = `Turn completions ${offHere ? "on" : "off"} for ${language ?? ""}`;
  return [
    entry("question", "Why this answer", "whyThis"),
    entry("pin", "Pin a model for a task", "pinModel"),
    entry("list-unordered", "Models", "showModels"),
    entry("add", "Set up a model", "setUp"),
    entry("key", "Store an API key", "storeKey"),
    separator(),
    ...(language ? [entry("circle-slash", toggleLanguage, "toggleLanguage")] : []),
    entry("circle-slash", `Turn completions ${on ? "off" : "on"} everywhere`, "toggle"),
    separator(),
    entry("dashboard", "Dashboard", "dashboard"),
    entry("graph", "Usage report", "openReport"),
    entry("beaker", "Compare models on this workspace", "compareModels"),
  ];
}

const entry = (icon: string, label: string, command: string): Entry => ({
  label: `$(${icon}) ${label}`,
  command: `ensemble.${command}`,
});

const separator = (): Entry => ({ label: "", kind: vscode.QuickPickItemKind.Separator });
