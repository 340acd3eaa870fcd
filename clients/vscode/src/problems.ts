// Errors and their fixes: a message with buttons, and a short text for the status bar.
import * as vscode from "vscode";

import type { Model } from "./protocol";

export type Problem = Model["problem"];

/** A button: its label, and the command that it runs. */
export interface Fix {
  label: string;
  command: string;
  argument?: string;
}

const STORE_KEY = { label: "Store a Key", command: "ensemble.storeKey" };
const OPEN_CONFIG = { label: "Open config.toml", command: "ensemble.openConfig" };
const CHOOSE = { label: "Choose Another Model", command: "ensemble.menu" };
const SHOW_LOG = { label: "Show the Log", command: "ensemble.showLog" };
const SET_UP = { label: "Set Up a Model", command: "ensemble.setUp" };
const BUDGET = {
  label: "Change the Budget",
  command: "workbench.action.openSettings",
  argument: "ensemble.selector.dailyBudget",
};

interface Description {
  icon: string;
  /** For the status bar. */
  text: string;
  fixes: Fix[];
}

const DESCRIPTIONS: Record<Problem, Description> = {
  key: { icon: "key", text: "key rejected", fixes: [STORE_KEY, OPEN_CONFIG] },
  credit: { icon: "credit-card", text: "no credit left", fixes: [CHOOSE] },
  budget: { icon: "credit-card", text: "budget used up", fixes: [BUDGET, CHOOSE] },
  limit: { icon: "watch", text: "request limit", fixes: [CHOOSE] },
  offline: { icon: "debug-disconnect", text: "offline", fixes: [CHOOSE, OPEN_CONFIG, SHOW_LOG] },
  model: { icon: "question", text: "model not found", fixes: [OPEN_CONFIG, CHOOSE] },
  noModel: { icon: "question", text: "no model", fixes: [SET_UP, STORE_KEY] },
  other: { icon: "warning", text: "no answer", fixes: [CHOOSE, SHOW_LOG] },
};

export function describe(problem: Problem | undefined): Description {
  return DESCRIPTIONS[problem ?? "other"];
}

/** The kind of an error: the server sends it with each error of a command. */
export function problemOf(error: unknown): Problem | undefined {
  const { problem } = ((error as { data?: unknown }).data ?? {}) as { problem?: Problem };
  return problem && Object.hasOwn(DESCRIPTIONS, problem) ? problem : undefined;
}

/** Show an error with the buttons that fix it; an error without a kind has none. */
export async function showError(error: unknown): Promise<void> {
  const problem = problemOf(error);
  await showMessage((error as Error).message, problem ? describe(problem).fixes : []);
}

export async function showMessage(message: string, fixes: readonly Fix[]): Promise<void> {
  const labels = fixes.map(({ label }) => label);
  const chosen = await vscode.window.showErrorMessage(message, ...labels);
  const fix = fixes.find(({ label }) => label === chosen);
  if (fix) await run(fix);
}

/** A link in Markdown that runs the command of a button. */
export function linkTo({ label, command, argument }: Fix): string {
  const query = argument ? `?${encodeURIComponent(JSON.stringify([argument]))}` : "";
  return `[${label}](command:${command}${query})`;
}

export async function run({ command, argument }: Fix): Promise<void> {
  await vscode.commands.executeCommand(command, ...(argument ? [argument] : []));
}
