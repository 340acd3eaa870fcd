// Setting models up: download one, store and test a key, or use one that this machine offers.
import * as vscode from "vscode";

import { REQUEST_CANCELLED, type ServerConnection } from "./connection";
import type { KeyStore } from "./keys";
import { addModel, configuredModels, isKeyless, listProviders, updateModels } from "./models";
import type { FoundModel, Model, PackagedModel, Provider, Task } from "./protocol";

const SET_UP = "Set Up a Model";
const SET_UP_ANOTHER = "Set Up Another Model";
const OFFERED = "ensemble.setUpOffered";
const ATTEMPTS = 50;
const ATTEMPT_MS = 100;

interface Choice extends vscode.QuickPickItem {
  run?: () => Promise<unknown>;
}

/** Let the user choose a model to set up, and end with one that answers or with the reason. */
export async function setUpModel(server: ServerConnection, keys: KeyStore): Promise<void> {
  const location = vscode.ProgressLocation.Window;
  const options = { location, title: "Ensemble: looking for models" };
  const [packaged, found, providers] = await vscode.window.withProgress(options, () =>
    Promise.all([
      server.executeCommand("ensemble.packagedModels", {}),
      server.executeCommand("ensemble.findModels", {}),
      listProviders(server),
    ]),
  );
  const choices = [
    separator("On this machine: your code stays here"),
    ...packaged.map((model) => packagedChoice(server, model)),
    ...serverChoices(server, keys, found),
    separator("A service: your code is sent to it"),
    ...providers.flatMap((provider) => serviceChoice(server, keys, provider, found)),
    separator("Other"),
    { label: "$(add) Another model…", run: () => addModel(server) },
  ];
  const placeHolder = "Choose a model. You can set up several.";
  const title = "Set Up a Model";
  const chosen = await vscode.window.showQuickPick<Choice>(choices, { title, placeHolder });
  await chosen?.run?.();
}

const separator = (label: string): Choice => ({
  label,
  kind: vscode.QuickPickItemKind.Separator,
});

function packagedChoice(server: ServerConnection, model: PackagedModel): Choice {
  const megabytes = model.downloadSize / 1e6;
  const size = `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MB`;
  // The list is narrow, and the title of the group takes room on the first line: the size comes first.
  const [name = model.title] = model.title.split(", ");
  const [note = ""] = model.note.split(/(?<=\.)\s/);
  return {
    label: model.installed ? `$(check) ${name}` : `$(cloud-download) Download ${name}`,
    description: model.installed ? "installed" : size,
    detail: `${note} ${model.licence}.`,
    run: () => (model.installed ? testModel(server, model.name) : download(server, model)),
  };
}

/** The models of local servers; without any, an entry that looks again. */
function serverChoices(
  server: ServerConnection,
  keys: KeyStore,
  found: readonly FoundModel[],
): Choice[] {
  const served = found.filter(({ settings }) => settings["baseUrl"] && !settings["apiKeyEnv"]);
  if (!served.length) {
    return [
      {
        label: "$(refresh) Look again for a local server",
        detail: "Neither Ollama (port 11434) nor LM Studio (1234) nor llama.cpp (8080) answers.",
        run: () => setUpModel(server, keys),
      },
    ];
  }
  return served.map((model) => ({
    label: `${model.inUse ? "$(check)" : "$(server)"} ${nameOf(model)}`,
    description: model.inUse ? "in use" : "",
    detail: `Found: ${model.why}.`,
    run: () => (model.inUse ? testModel(server, nameOf(model)) : useFound(server, model)),
  }));
}

const nameOf = ({ settings }: FoundModel): string => String(settings["name"]);

function serviceChoice(
  server: ServerConnection,
  keys: KeyStore,
  { title, keyEnv, needsKey }: Provider,
  found: readonly FoundModel[],
): Choice[] {
  if (!needsKey || !keyEnv) return [];
  const known = found.find((one) => one.inUse && one.settings["apiKeyEnv"] === keyEnv);
  return [
    {
      label: `${known ? "$(check)" : "$(key)"} ${title}`,
      description: known ? `in use: ${nameOf(known)}` : "with an API key",
      run: () => (known ? testModel(server, nameOf(known)) : storeKey(server, keys, keyEnv)),
    },
  ];
}

/** Download a packaged model with its progress, and test it. */
export async function download(server: ServerConnection, model: PackagedModel): Promise<void> {
  const { name } = model;
  const title = `Ensemble: downloading ${name}`;
  try {
    const done = await server.executeCommandWithProgress(title, "ensemble.downloadModel", { name });
    // Models in VS Code's settings replace those of the config file, so the new one joins them there.
    const listed = configuredModels();
    if (!done.saved && listed.length && !listed.some((one) => one["model"] === name)) {
      await updateModels((all) => [...all, { name, provider: "llamacpp", model: name }]);
    }
  } catch (error) {
    if ((error as { code?: number }).code === REQUEST_CANCELLED) return;
    await offer((error as Error).message, {
      "Try Again": () => download(server, model),
      [SET_UP_ANOTHER]: () => run("setUp"),
    });
    return;
  }
  // The user may have configured it under another name.
  const using = (await listModels(server)).find((one) => one.model === name);
  await testModel(server, using?.name ?? name);
}

async function useFound(server: ServerConnection, { settings }: FoundModel): Promise<void> {
  const name = String(settings["name"]);
  const listed = configuredModels().length > 0;
  if (listed) await updateModels((all) => [...all, settings]);
  else await server.executeCommand("ensemble.addModel", { ...settings, save: true } as never);
  await testModel(server, name);
}

/** Ask for a key, store it, and test it with a model that uses it. */
export async function storeKey(
  server: ServerConnection,
  keys: KeyStore,
  variable?: string,
): Promise<void> {
  const before = await listModels(server);
  const stored = await keys.promptAndStore(await listProviders(server), before, variable);
  if (!stored) return;
  await server.restart(); // the key is passed in the server's environment
  await testKey(server, keys, stored);
}

/** Test a stored key with a model that uses it. */
async function testKey(server: ServerConnection, keys: KeyStore, stored: string): Promise<void> {
  const users = (await listModels(server)).filter((model) => model.keyVariable === stored);
  if (!users.length) {
    const message = `The key ${stored} is stored. No model uses it yet.`;
    await offer(message, { "Add a Model": () => run("newModel") }, "info");
    return;
  }
  const results = await testing(`testing ${stored}`, () =>
    Promise.all(users.map(({ name }) => server.executeCommand("ensemble.testModel", { name }))),
  );
  const good = results.find(({ ok }) => ok);
  if (good) {
    const message = `The key ${stored} works: ${good.name} answered in ${seconds(good.latencyMs)}.`;
    await offer(message, { "Show Models": () => run("showModels") }, "info");
  } else {
    const accepted = results[0]?.problem !== "key";
    await offer(`${results[0]?.message ?? ""} The key is kept as ${stored}.`, {
      ...(accepted ? { "Test Again": () => testKey(server, keys, stored) } : {}),
      "Enter Another Key": () => storeKey(server, keys, stored),
      "Remove the Key": () => run("removeKey", stored),
    });
  }
}

/** Ask a model one tiny question and show whether it answers. */
export async function testModel(server: ServerConnection, name: string): Promise<void> {
  const result = await testing(`testing ${name}`, async () => {
    await waitForModel(server, name);
    return server.executeCommand("ensemble.testModel", { name });
  });
  if (result.ok) {
    const answered = `${name} works: it answered in ${seconds(result.latencyMs)}.`;
    await offer(
      `${answered} Type some code to see it.`,
      { "Show Models": () => run("showModels") },
      "info",
    );
    return;
  }
  const model = (await listModels(server)).find((one) => one.name === name);
  const packaged = await missingWeights(server, model);
  await offer(`${name} does not work yet: ${result.message}`, {
    ...(packaged ? { "Download It": () => download(server, packaged) } : {}),
    ...(model && isKeyless(model)
      ? { "Store the Key": () => run("storeKey", model.keyVariable) }
      : {}),
    [SET_UP_ANOTHER]: () => run("setUp"),
    "Show the Log": () => run("showLog"),
  });
}

/** A change of VS Code's settings reaches the server a moment later. */
async function waitForModel(server: ServerConnection, name: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if ((await listModels(server)).some((model) => model.name === name)) return;
    await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MS));
  }
}

async function missingWeights(
  server: ServerConnection,
  model: Model | undefined,
): Promise<PackagedModel | undefined> {
  if (!model || model.available) return undefined;
  const packaged = await server.executeCommand("ensemble.packagedModels", {});
  return packaged.find((one) => one.name === model.model && !one.installed);
}

/** Whether a task can be tried. If no model is set up for it, offer to set one up instead. */
export async function readyFor(server: ServerConnection, task: Task): Promise<boolean> {
  if (!server.running) return true; // the command itself says why it fails
  const all = await listModels(server);
  const models = all.filter((model) => model.tasks.includes(task));
  if (models.some((model) => model.available || !isKeyless(model))) return true;
  const [keyless] = models;
  if (keyless?.keyVariable) {
    const message = `Store a key to ${task}: ${keyless.name} finds none in ${keyless.keyVariable}.`;
    await offer(message, {
      "Store the Key": () => run("storeKey", keyless.keyVariable),
      [SET_UP_ANOTHER]: () => run("setUp"),
    });
  } else {
    const reason = all.every(({ provider }) => provider === "recall")
      ? "recall only completes what your code repeats"
      : "none of your models does this task";
    const message = `Set up a model to ${task}: ${reason}.`;
    await offer(message, { [SET_UP]: () => run("setUp") }, "info");
  }
  return false;
}

/** Once, if there is nothing but the model that needs no setup: offer to set one up. */
export async function offerSetUp(
  context: vscode.ExtensionContext,
  server: ServerConnection,
): Promise<void> {
  if (context.globalState.get(OFFERED)) return;
  const models = await listModels(server);
  if (!models.length || models.some(({ tasks }) => tasks.includes("generate"))) return;
  await context.globalState.update(OFFERED, true);
  const message =
    "Ensemble completes what your own code repeats. Set up a model to complete, explain and " +
    "generate new code.";
  await offer(
    message,
    { [SET_UP]: () => run("setUp"), "Get Started": () => run("openWalkthrough") },
    "info",
  );
}

const listModels = (server: ServerConnection): Promise<Model[]> =>
  server.executeCommand("ensemble.models", {}).catch(() => []);

const run = (command: string, ...args: unknown[]): Thenable<unknown> =>
  vscode.commands.executeCommand(`ensemble.${command}`, ...args);

function testing<T>(what: string, work: () => Promise<T>): Thenable<T> {
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title: `Ensemble: ${what}` }, work);
}

/** Show a message with buttons and run the chosen one; the caller does not wait for the user. */
function offer(
  message: string,
  buttons: Record<string, () => Thenable<unknown>>,
  kind: "info" | "error" = "error",
): Promise<void> {
  const labels = Object.keys(buttons);
  const shown =
    kind === "info"
      ? vscode.window.showInformationMessage(message, ...labels)
      : vscode.window.showErrorMessage(message, ...labels);
  void shown.then((label) => (label === undefined ? undefined : buttons[label]?.()));
  return Promise.resolve();
}

const seconds = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
