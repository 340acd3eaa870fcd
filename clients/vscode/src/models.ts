// The models: list, pin, add and remove.
import * as path from "node:path";
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";
import { withoutIcons } from "./markdown";
import { modelSummary } from "./pages";
import {
  type AddModelArguments,
  type AddModelResult,
  type Model,
  type Provider,
  type Task,
  TASKS,
} from "./protocol";

const SECTION = "ensemble";

export async function showModels(server: ServerConnection): Promise<void> {
  const models = await server.executeCommand("ensemble.models", {});
  const items = models.map((model) => ({
    label: `${model.available ? "$(check)" : "$(circle-slash)"} ${withoutIcons(model.name)}`,
    description: source(model),
    detail: [summary(model), ...TASKS.flatMap((task) => record(model, task))].join(" · "),
    model,
  }));
  const add = { label: "$(add) Set up a model", description: "", detail: "", model: undefined };
  const title = "Ensemble: Models";
  const placeHolder = "Choose a model to test it, or to store its key";
  const options = { title, placeHolder, matchOnDetail: true };
  const chosen = await vscode.window.showQuickPick([...items, add], options);
  if (chosen === add) await vscode.commands.executeCommand("ensemble.setUp");
  else if (chosen?.model) {
    const { name, keyVariable } = chosen.model;
    if (isKeyless(chosen.model))
      await vscode.commands.executeCommand("ensemble.storeKey", keyVariable);
    else await vscode.commands.executeCommand("ensemble.tryModel", name);
  }
}

/** The provider and its id of the model; nothing that only repeats the name. */
function source({ name, provider, model }: Model): string {
  return [...new Set([provider, model])].filter((part) => part && part !== name).join(" ");
}

/** Whether a model is not available because no key was found. */
export const isKeyless = (model: Model): boolean =>
  !model.available && model.keySource === "none" && model.reason.startsWith("no key");

const summary = (model: Model): string =>
  isKeyless(model)
    ? `No key in ${model.keyVariable ?? "its variable"}: choose to store it`
    : modelSummary(model);

function record(model: Model, task: Task): string[] {
  const stats = model.stats[task];
  return stats?.shown ? [`${task}: ${stats.accepted} of ${stats.shown} accepted`] : [];
}

export async function pickTask(title: string): Promise<Task | undefined> {
  return (await vscode.window.showQuickPick(TASKS, { title })) as Task | undefined;
}

/** The providers; none if the server is not running or too old to list them. */
export async function listProviders(server: ServerConnection): Promise<Provider[]> {
  return server.executeCommand("ensemble.providers", {}).catch(() => []);
}

type Question = "baseUrl" | "model" | "apiKeyEnv";

interface ModelTemplate extends vscode.QuickPickItem {
  settings: Pick<AddModelArguments, "provider" | "apiKeyEnv">;
  questions: { key: Question; required: boolean; suggestion: string }[];
}

/** The kinds of model to add: each provider, and other servers that speak its protocol. */
export function modelTemplates(providers: readonly Provider[]): ModelTemplate[] {
  return providers.flatMap((provider) => [ownTemplate(provider), ...otherServer(provider)]);
}

function ownTemplate(provider: Provider): ModelTemplate {
  const { name, title, local, needsKey, keyEnv, needsModel, defaultModel } = provider;
  return {
    label: title,
    description: local ? "runs on this machine" : "sends your code to the service",
    settings: { provider: name, ...(needsKey && keyEnv ? { apiKeyEnv: keyEnv } : {}) },
    questions: needsModel ? [{ key: "model", required: true, suggestion: defaultModel ?? "" }] : [],
  };
}

function otherServer({ name, title, defaultBaseUrl }: Provider): ModelTemplate[] {
  if (!defaultBaseUrl) return [];
  const template: ModelTemplate = {
    label: `Another server with the protocol of ${title}`,
    description: "at an address of your own",
    settings: { provider: name },
    questions: [
      { key: "baseUrl", required: true, suggestion: "" },
      { key: "model", required: true, suggestion: "" },
      { key: "apiKeyEnv", required: false, suggestion: "" },
    ],
  };
  return [template];
}

const PROMPTS: Record<Question, vscode.InputBoxOptions> = {
  baseUrl: { title: "Address of the Server", placeHolder: "http://localhost:11434/v1" },
  model: { title: "Model", prompt: "The provider's id of the model, or the path of a file" },
  apiKeyEnv: {
    title: "Environment Variable of the API Key",
    prompt: "Leave it empty if the server needs no key.",
    placeHolder: "MY_SERVICE_API_KEY",
  },
};

/** The forms that the settings accept, so that a slip is reported in its own box. */
const FORMS: Partial<Record<Question, { form: RegExp; advice: string }>> = {
  baseUrl: {
    form: /^https?:\/\/[^\s/?#@]+([/?#]\S*)?$/,
    advice: "Begin with http:// or https://, without a user name.",
  },
  apiKeyEnv: {
    form: /^[A-Za-z_][A-Za-z0-9_]*$/,
    advice: "Enter the name of a variable, not the key. The key is asked for later.",
  },
};

export async function addModel(server: ServerConnection): Promise<void> {
  const templates = modelTemplates(await server.executeCommand("ensemble.providers", {}));
  const template = await vscode.window.showQuickPick(templates, { title: "Add a Model" });
  const models = await server.executeCommand("ensemble.models", {}).catch(() => []);
  const taken = new Set(models.map(({ name }) => name));
  const settings = template && (await promptForSettings(template, taken));
  if (!settings) return;
  const save = await promptToSave("Save it in your settings");
  if (save === undefined) return;
  // Models in VS Code's settings replace those of the config file, so the new one joins them there.
  if (save && configuredModels().length) await updateModels((models) => [...models, settings]);
  else {
    const added = await server.executeCommand("ensemble.addModel", { ...settings, save });
    if (added.kept.length) void vscode.window.showInformationMessage(keptMessage(added));
  }
  // A model without a key or weights is not usable yet: the test reports that and offers a fix.
  await vscode.commands.executeCommand("ensemble.tryModel", settings.name);
}

/** A list of models replaces those that were found, so they were written to it as well. */
function keptMessage({ saved, kept }: AddModelResult): string {
  const file = path.basename(saved ?? "");
  return `The models that were found are kept in ${file}: ${kept.join(", ")}.`;
}

/** Ask one question after another; undefined if the user cancels. */
async function promptForSettings(
  { settings, questions }: ModelTemplate,
  taken: ReadonlySet<string>,
): Promise<AddModelArguments | undefined> {
  const answers: Partial<Record<Question, string>> = {};
  for (const { key, required, suggestion } of questions) {
    const answer = await vscode.window.showInputBox({
      ...PROMPTS[key],
      value: suggestion,
      validateInput: (text) => adviceFor(key, text.trim(), required),
    });
    if (answer === undefined) return undefined;
    if (answer.trim()) answers[key] = answer.trim();
  }
  const name = await vscode.window.showInputBox({
    title: "Name of the Model",
    prompt: "The name in lists, pins and reports",
    value: answers.model ?? settings.provider,
    validateInput: (text) =>
      taken.has(text.trim()) ? "Choose another name: a model has this one." : null,
  });
  return name?.trim() ? { name: name.trim(), ...settings, ...answers } : undefined;
}

function adviceFor(key: Question, text: string, required: boolean): string | null {
  if (!text) return required ? "Enter a value." : null;
  const known = FORMS[key];
  return known && !known.form.test(text) ? known.advice : null;
}

export async function removeModel(server: ServerConnection, named?: string): Promise<void> {
  const models = await server.executeCommand("ensemble.models", {});
  const title = "Remove Which Model?";
  const names = models.map((model) => model.name);
  const name = named ?? (await vscode.window.showQuickPick(names, { title }));
  if (!name) return;
  const configured = configuredModels().some((model) => model["name"] === name);
  if (configured) await updateModels((all) => all.filter((model) => model["name"] !== name));
  else {
    const save = await promptToSave("Also remove it from the config file");
    if (save !== undefined) await server.executeCommand("ensemble.removeModel", { name, save });
  }
}

async function promptToSave(label: string): Promise<boolean | undefined> {
  const items = [
    { label, save: true },
    { label: "Only for this session", save: false },
  ];
  return (await vscode.window.showQuickPick(items, { title: "For How Long?" }))?.save;
}

export function configuredModels(): Record<string, unknown>[] {
  const inspected = vscode.workspace
    .getConfiguration(SECTION)
    .inspect<Record<string, unknown>[]>("models");
  return inspected?.globalValue ?? [];
}

/** Change the models in the user's settings; the server is notified of the change. */
export async function updateModels(
  change: (models: Record<string, unknown>[]) => object[],
): Promise<void> {
  const models = change(configuredModels());
  const settings = vscode.workspace.getConfiguration(SECTION);
  const target = vscode.ConfigurationTarget.Global;
  await settings.update("models", models.length ? models : undefined, target);
}
