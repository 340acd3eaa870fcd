// Turning completions and next edits on and off: everywhere, by language, and for a time.
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";
import { clock } from "./duration";
import type { LastEditor } from "./lastEditor";
import type { NextEditSwitch } from "./nextEditSwitch";
import { showMessage } from "./problems";
import {
  completionsEnabled,
  disabledLanguages,
  nextEditsEnabled,
  setCompletionsEnabled,
} from "./settings";

export const SNOOZE_MINUTES = 5;

/** Turn completions on or off everywhere, and say what is true afterwards. */
export async function toggleEverywhere(nextEdits: NextEditSwitch): Promise<void> {
  const wanted = !completionsEnabled(undefined);
  await setCompletionsEnabled(wanted, undefined);
  await nextEdits.everywhere(wanted);
  if (completionsEnabled(undefined) !== wanted) return overruled();
  say(`${both(wanted)} are ${wanted ? "on" : "off"}`);
}

/** Turn completions on or off for the language of the last editor; without one, ask for the languages. */
export async function toggleLanguage(editor: LastEditor, nextEdits: NextEditSwitch): Promise<void> {
  const { language } = editor;
  if (!language) return chooseLanguages(editor, nextEdits);
  const wanted = disabledLanguages().includes(language);
  await setCompletionsEnabled(wanted, language);
  await nextEdits.languages(wanted ? [] : [language], wanted ? [language] : []);
  await confirm(language, wanted, nextEdits);
}

async function confirm(
  language: string,
  wanted: boolean,
  nextEdits: NextEditSwitch,
): Promise<void> {
  if (disabledLanguages().includes(language) === wanted) return overruled();
  if (wanted && !completionsEnabled(undefined)) {
    const turnOn = "Turn On Everywhere";
    const message = `Completions stay off for ${language}, because they are off everywhere.`;
    const chosen = await vscode.window.showWarningMessage(message, turnOn);
    if (chosen) await toggleEverywhere(nextEdits);
    return;
  }
  say(`${both(wanted, language)} are ${wanted ? "on" : "off"} for ${language}`);
}

/** A workspace may set these too, and its settings win. */
async function overruled(): Promise<void> {
  const message = "Change the workspace's settings: they overrule your own for completions.";
  const command = "workbench.action.openWorkspaceSettings";
  const argument = "ensemble.complete";
  await showMessage(message, [{ label: "Open Workspace Settings", command, argument }]);
}

/** Choose the languages with completions by check boxes. */
export async function chooseLanguages(
  editor: LastEditor,
  nextEdits: NextEditSwitch,
): Promise<void> {
  const off = disabledLanguages();
  const open = vscode.workspace.textDocuments
    .filter(({ uri }) => uri.scheme === "file" || uri.scheme === "untitled")
    .map(({ languageId }) => languageId);
  const first = [editor.language ?? [], open, off].flat();
  const known = (await vscode.languages.getLanguages()).filter((name) => !first.includes(name));
  const names = [...new Set([...first, ...known.sort(byName)])];
  const items = names.map((label) => ({
    label,
    description: first.includes(label) && !off.includes(label) ? "open" : "",
    picked: !off.includes(label),
  }));
  const everywhere = completionsEnabled(undefined) ? "" : " (completions are off everywhere)";
  const chosen = await vscode.window.showQuickPick(items, {
    title: `Complete as You Type in Which Languages?${everywhere}`,
    canPickMany: true,
  });
  if (!chosen) return;
  const on = new Set(chosen.map(({ label }) => label));
  const disabled = names.filter((name) => !on.has(name));
  const settings = vscode.workspace.getConfiguration("ensemble");
  const value = disabled.length ? disabled : undefined;
  await settings.update("complete.disabledLanguages", value, vscode.ConfigurationTarget.Global);
  await nextEdits.languages(
    disabled.filter((name) => !off.includes(name)),
    off.filter((name) => on.has(name)),
  );
  const listed = disabled.length > 3 ? `${disabled.length} languages` : disabled.join(", ");
  say(
    disabled.length
      ? `completions and next edits are off for ${listed}`
      : `${both(true)} are on in all languages`,
  );
}

const byName = (one: string, other: string): number => one.localeCompare(other);

/** Stop completions and next edits for some minutes, or until the server restarts. */
export async function snooze(server: ServerConnection, minutes?: number): Promise<void> {
  const argument = minutes === undefined ? { untilRestart: true } : { minutes };
  const { snoozed, until } = await server.executeCommand("ensemble.snooze", argument);
  if (!snoozed) return say("completions are on again");
  const time = until === null ? "the server restarts" : clock(until);
  say(`completions are snoozed until ${time}`);
}

/** What a switch changed: next edits that a setting turned off stay off. */
function both(on: boolean, language = ""): string {
  return !on || nextEditsEnabled(language) ? "completions and next edits" : "completions";
}

function say(sentence: string): void {
  vscode.window.setStatusBarMessage(`Ensemble: ${sentence}`, 4000);
}
