// The models: listed, pinned, added, removed.
import * as vscode from "vscode";

import type { Server } from "./client";
import { modelLine } from "./pages";
import { type Model, type Task, TASKS } from "./protocol";

const SECTION = "ensemble";

export async function showModels(server: Server): Promise<void> {
  const models = await server.ask<Model[]>("ensemble.models", {});
  const items = models.map((model) => ({
    label: `${model.available ? "$(check)" : "$(circle-slash)"} ${model.name}`,
    description: `${model.provider} ${model.model}`.trim(),
    detail: [modelLine(model), ...TASKS.flatMap((task) => record(model, task))].join(" · "),
    model,
  }));
  const add = { label: "$(add) Add a model", description: "", detail: "", model: undefined };
  const title = "Ensemble: models";
  const chosen = await vscode.window.showQuickPick([...items, add], { title, matchOnDetail: true });
  if (chosen === add) await addModel(server);
}

function record(model: Model, task: Task): string[] {
  const stats = model.stats[task];
  return stats?.shown ? [`${task}: ${stats.accepted} of ${stats.shown} accepted`] : [];
}

export async function pickTask(title: string): Promise<Task | undefined> {
  return (await vscode.window.showQuickPick(TASKS, { title })) as Task | undefined;
}

export async function pin(server: Server): Promise<void> {
  const task = await pickTask("Pin a model for which task?");
  if (!task) return;
  const models = await server.ask<Model[]>("ensemble.models", {});
  const auto = { label: "$(sparkle) Let the selector choose", name: null };
  const able = models.filter((model) => model.tasks.includes(task));
  const items = able.map((model) => ({
    label: `$(pin) ${model.name}`,
    description: model.available ? "" : model.reason,
    name: model.name,
  }));
  const title = `Model for ${task}`;
  const chosen = await vscode.window.showQuickPick([auto, ...items], { title });
  if (!chosen) return;
  await server.ask("ensemble.pin", { task, name: chosen.name });
  const said = chosen.name ? `${chosen.name} is asked first` : "the selector chooses";
  vscode.window.setStatusBarMessage(`Ensemble: for ${task}, ${said}`, 4000);
}

interface Kind extends vscode.QuickPickItem {
  settings: Record<string, string>;
  asks: ("model" | "baseUrl" | "apiKeyEnv")[];
}

const KINDS: Kind[] = [
  {
    label: "OpenAI",
    settings: { provider: "openai", apiKeyEnv: "OPENAI_API_KEY" },
    asks: ["model"],
  },
  {
    label: "Anthropic",
    settings: { provider: "anthropic", apiKeyEnv: "ANTHROPIC_API_KEY" },
    asks: ["model"],
  },
  {
    label: "A server with OpenAI's protocol",
    description: "Ollama, llama.cpp, LM Studio, vLLM …",
    settings: { provider: "openai" },
    asks: ["baseUrl", "model", "apiKeyEnv"],
  },
  {
    label: "A GGUF file or packaged model, embedded",
    settings: { provider: "llamacpp" },
    asks: ["model"],
  },
  { label: "Recall: your own code, no weights", settings: { provider: "recall" }, asks: [] },
];

const QUESTIONS = {
  baseUrl: { title: "Its address", placeHolder: "http://localhost:11434/v1", needed: true },
  model: { title: "The model's id, or a file", placeHolder: "qwen2.5-coder:1.5b", needed: true },
  apiKeyEnv: {
    title: "The variable that holds its key (empty: none)",
    placeHolder: "MY_SERVICE_API_KEY",
    needed: false,
  },
};

export async function addModel(server: Server): Promise<void> {
  const kind = await vscode.window.showQuickPick(KINDS, { title: "Add which kind of model?" });
  const settings = kind && (await askSettings(kind));
  if (!settings) return;
  const keep = await askToKeep("Keep it in your settings");
  if (keep === undefined) return;
  // Models in VS Code's settings hide those of the config file: the new one goes where the others are.
  if (keep && configured().length) await save((models) => [...models, settings]);
  else await server.ask("ensemble.addModel", { ...settings, save: keep });
}

/** One question after another; undefined where the user leaves. */
async function askSettings(kind: Kind): Promise<Record<string, string> | undefined> {
  const settings: Record<string, string> = { ...kind.settings };
  for (const key of kind.asks) {
    const { needed, ...options } = QUESTIONS[key];
    const answer = await vscode.window.showInputBox({
      ...options,
      validateInput: (text) => (needed && !text.trim() ? "This is needed." : null),
    });
    if (answer === undefined) return undefined;
    if (answer.trim()) settings[key] = answer.trim();
  }
  const value = settings["model"] ?? settings["provider"] ?? "";
  const name = await vscode.window.showInputBox({ title: "How should it be called?", value });
  return name?.trim() ? { name: name.trim(), ...settings } : undefined;
}

export async function removeModel(server: Server): Promise<void> {
  const models = await server.ask<Model[]>("ensemble.models", {});
  const title = "Remove which model?";
  const name = await vscode.window.showQuickPick(
    models.map((model) => model.name),
    { title },
  );
  if (!name) return;
  const listed = configured().some((model) => model["name"] === name);
  if (listed) await save((all) => all.filter((model) => model["name"] !== name));
  else {
    const keep = await askToKeep("Also take it out of the config file");
    if (keep !== undefined) await server.ask("ensemble.removeModel", { name, save: keep });
  }
}

async function askToKeep(label: string): Promise<boolean | undefined> {
  const items = [
    { label, keep: true },
    { label: "Only for this session", keep: false },
  ];
  return (await vscode.window.showQuickPick(items, { title: "For how long?" }))?.keep;
}

function configured(): Record<string, unknown>[] {
  const seen = vscode.workspace
    .getConfiguration(SECTION)
    .inspect<Record<string, unknown>[]>("models");
  return seen?.globalValue ?? [];
}

/** Where models are in VS Code's settings, exactly those are used; the server hears of the change. */
async function save(
  change: (models: Record<string, unknown>[]) => Record<string, unknown>[],
): Promise<void> {
  const models = change(configured());
  const settings = vscode.workspace.getConfiguration(SECTION);
  const target = vscode.ConfigurationTarget.Global;
  await settings.update("models", models.length ? models : undefined, target);
}
