// API keys: kept in VS Code's SecretStorage and passed to the server as environment variables.
import * as vscode from "vscode";

import type { Model, Provider } from "./protocol";

const NAMES = "ensemble.keyNames";

export class KeyStore {
  constructor(
    private readonly secrets: vscode.SecretStorage,
    private readonly state: vscode.Memento,
  ) {}

  names(): string[] {
    return this.state.get<string[]>(NAMES, []);
  }

  /** The stored keys by the names of their variables. */
  async environment(): Promise<Record<string, string>> {
    const stored = await Promise.all(
      this.names().map(async (name) => [name, await this.secrets.get(name)] as const),
    );
    return Object.fromEntries(stored.filter((pair): pair is [string, string] => !!pair[1]));
  }

  /** Ask for a key and store it. Returns its variable; undefined if the user cancels. */
  async promptAndStore(
    providers: readonly Provider[],
    models: readonly Model[],
    variable?: string,
  ): Promise<string | undefined> {
    const name = variable ?? (await this.promptForVariable(providers, models));
    if (!name) return undefined;
    const value = await vscode.window.showInputBox({
      title: `API key for ${name}`,
      prompt: "The key is kept in VS Code's secret storage, never in settings. It is tested next.",
      password: true,
      ignoreFocusOut: true,
      validateInput: (text) => {
        if (!text.trim()) return "Enter the key.";
        return /^[\x21-\x7e]+$/.test(text.trim())
          ? null
          : "Enter the key alone: a key has neither spaces nor special letters.";
      },
    });
    if (!value) return undefined;
    await this.secrets.store(name, value.trim());
    await this.state.update(NAMES, [...new Set([...this.names(), name])]);
    return name;
  }

  /** Ask which key to remove, or remove the named one; false if the user cancels. */
  async promptAndRemove(variable?: string): Promise<boolean> {
    const names = this.names();
    if (!names.length) {
      void vscode.window.showInformationMessage("Ensemble has no stored API keys.");
      return false;
    }
    const title = "Remove Which API Key?";
    const name = variable ?? (await vscode.window.showQuickPick(names, { title }));
    if (!name) return false;
    await this.secrets.delete(name);
    await this.state.update(
      NAMES,
      names.filter((other) => other !== name),
    );
    return true;
  }

  /** Ask for a variable: one that a model reads, a provider's usual one, or another. */
  private async promptForVariable(
    providers: readonly Provider[],
    models: readonly Model[],
  ): Promise<string | undefined> {
    const offered = variables(providers, models, new Set(this.names()));
    const other = { label: "$(edit) Another variable…" };
    const chosen = await vscode.window.showQuickPick([...offered, other], {
      title: "Store the Key for Which Variable?",
      placeHolder: "The provider's own variable, or the one in a model's apiKeyEnv",
    });
    if (chosen !== other) return chosen?.label;
    return vscode.window.showInputBox({
      title: "Name of the Variable",
      placeHolder: "MY_SERVICE_API_KEY",
      // Keeps a slip from overwriting PATH or PYTHONPATH in the server's environment.
      validateInput: (text) =>
        /^[A-Za-z_][A-Za-z0-9_]*(KEY|TOKEN)[A-Za-z0-9_]*$/.test(text)
          ? null
          : "Use letters, digits and _; the name must contain KEY or TOKEN.",
    });
  }
}

/** The variables to offer, each once: first those that models read, then the providers' usual ones. */
function variables(
  providers: readonly Provider[],
  models: readonly Model[],
  stored: ReadonlySet<string>,
): vscode.QuickPickItem[] {
  const read = models.map(({ keyVariable, name, keySource }) => ({
    label: keyVariable ?? "",
    detail: `${keySource === "none" ? "Missing: read by" : "Read by"} ${name}`,
  }));
  const usual = providers.map(({ keyEnv, title }) => ({
    label: keyEnv ?? "",
    detail: `The usual variable of ${title}`,
  }));
  const offered = new Map<string, vscode.QuickPickItem>();
  for (const { label, detail } of [...read, ...usual]) {
    if (!label || offered.has(label)) continue;
    offered.set(label, { label, detail, description: stored.has(label) ? "stored" : "" });
  }
  return [...offered.values()];
}
