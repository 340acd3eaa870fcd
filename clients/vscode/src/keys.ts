// API keys: kept in VS Code's SecretStorage and passed to the server as environment variables.
import * as vscode from "vscode";

import type { Provider } from "./protocol";

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

  /** Ask for a key and store it; false if the user cancels. */
  async promptAndStore(providers: readonly Provider[]): Promise<boolean> {
    const name = await promptForVariable(providers);
    if (!name) return false;
    const value = await vscode.window.showInputBox({
      title: `API key for ${name}`,
      prompt: "The key is kept in VS Code's secret storage, never in settings.",
      password: true,
      ignoreFocusOut: true,
      validateInput: (text) => (/^[\x21-\x7e]+$/.test(text.trim()) ? null : "Enter the key."),
    });
    if (!value) return false;
    await this.secrets.store(name, value.trim());
    await this.state.update(NAMES, [...new Set([...this.names(), name])]);
    return true;
  }

  /** Ask which key to remove; false if the user cancels. */
  async promptAndRemove(): Promise<boolean> {
    const names = this.names();
    if (!names.length) {
      void vscode.window.showInformationMessage("Ensemble has no stored API keys.");
      return false;
    }
    const name = await vscode.window.showQuickPick(names, { title: "Remove Which API Key?" });
    if (!name) return false;
    await this.secrets.delete(name);
    await this.state.update(
      NAMES,
      names.filter((other) => other !== name),
    );
    return true;
  }
}

/** Ask for a variable: one that a model names, a provider's usual one, or another. */
async function promptForVariable(providers: readonly Provider[]): Promise<string | undefined> {
  const other = "Another variable…";
  const models = vscode.workspace
    .getConfiguration("ensemble")
    .inspect<{ apiKeyEnv?: string }[]>("models")?.globalValue;
  const named = (models ?? []).flatMap((model) => model.apiKeyEnv ?? []);
  const usual = providers.flatMap((provider) => provider.keyEnv ?? []);
  const chosen = await vscode.window.showQuickPick([...new Set([...named, ...usual]), other], {
    title: "Store the Key for Which Variable?",
    placeHolder: "The provider's own variable, or the one in a model's apiKeyEnv",
  });
  if (chosen !== other) return chosen;
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
