// The commands of the next edits: apply, dismiss, snooze.
import * as vscode from "vscode";

import { type ServerConnection, showErrors } from "./connection";
import { NextEdits } from "./nextEdits";
import type { Suggestions } from "./suggestions";

const MINUTE_MS = 60_000;

interface Pause extends vscode.QuickPickItem {
  ms: number;
}

const PAUSES: readonly Pause[] = [
  { label: "For 5 minutes", ms: 5 * MINUTE_MS },
  { label: "For 30 minutes", ms: 30 * MINUTE_MS },
  { label: "For 2 hours", ms: 120 * MINUTE_MS },
  { label: "Until VS Code restarts", ms: Infinity },
];

export function registerNextEdits(
  context: vscode.ExtensionContext,
  server: ServerConnection,
  suggestions: Suggestions,
): void {
  const edits = new NextEdits(server, suggestions);
  const register = (name: string, run: () => Promise<void>): vscode.Disposable =>
    vscode.commands.registerCommand(`ensemble.${name}`, () => showErrors(run));
  context.subscriptions.push(
    edits,
    register("applyNextEdit", () => edits.apply()),
    register("dismissNextEdit", () => edits.dismiss()),
    register("snoozeNextEdits", () => snooze(edits)),
  );
}

export async function snooze(edits: Pick<NextEdits, "snooze" | "snoozed">): Promise<void> {
  const resume: Pause = { label: "Show next edits again", ms: 0 };
  const items = edits.snoozed ? [resume, ...PAUSES] : PAUSES;
  const chosen = await vscode.window.showQuickPick(items, { title: "Snooze next edits" });
  if (!chosen) return;
  edits.snooze(Date.now() + chosen.ms);
  const message = chosen.ms
    ? `Ensemble: no next edits ${chosen.label.toLowerCase()}`
    : "Ensemble: next edits are shown again";
  vscode.window.setStatusBarMessage(message, 4000);
}
