// API keys: kept by VS Code's SecretStorage, handed to the server as environment variables.
import * as vscode from "vscode";

const NAMES = "ensemble.keyNames";
const USUAL = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"];

export class Keys {
  constructor(
    private readonly secrets: vscode.SecretStorage,
    private readonly state: vscode.Memento,
  ) {}

  names(): string[] {
    return this.state.get<string[]>(NAMES, []);
  }

  /** The stored keys by their variables' names. */
  async environment(): Promise<Record<string, string>> {
    const stored = await Promise.all(
      this.names().map(async (name) => [name, await this.secrets.get(name)] as const),
    );
    return Object.fromEntries(stored.filter((pair): pair is [string, string] => !!pair[1]));
  }

  /** Ask for a key and store it; false where the user leaves. */
  async ask(): Promise<boolean> {
    const name = await this.variable();
    if (!name) return false;
    const value = await vscode.window.showInputBox({
      title: `API key for ${name}`,
      prompt: "Kept in VS Code's secret storage, never in settings.",
      password: true,
      ignoreFocusOut: true,
      validateInput: (text) => (/^[\x21-\x7e]+$/.test(text.trim()) ? null : "Enter the key."),
    });
    if (!value) return false;
    await this.secrets.store(name, value.trim());
    await this.state.update(NAMES, [...new Set([...this.names(), name])]);
    return true;
  }

  /** Ask which key to remove; false where the user leaves. */
  async forget(): Promise<boolean> {
    const names = this.names();
    if (!names.length) {
      void vscode.window.showInformationMessage("Ensemble has no key stored.");
      return false;
    }
    const name = await vscode.window.showQuickPick(names, { title: "Remove which key?" });
    if (!name) return false;
    await this.secrets.delete(name);
    await this.state.update(
      NAMES,
      names.filter((one) => one !== name),
    );
    return true;
  }

  /** The variable's name: a provider's usual one, one that a model names, or another. */
  private async variable(): Promise<string | undefined> {
    const other = "Another variable…";
    const models = vscode.workspace
      .getConfiguration("ensemble")
      .inspect<{ apiKeyEnv?: string }[]>("models")?.globalValue;
    const named = (models ?? []).flatMap((model) => model.apiKeyEnv ?? []);
    const chosen = await vscode.window.showQuickPick([...new Set([...named, ...USUAL]), other], {
      title: "The key is for which variable?",
      placeHolder: "A model names it in apiKeyEnv; the providers' own need none.",
    });
    if (chosen !== other) return chosen;
    return vscode.window.showInputBox({
      title: "Name of the variable",
      placeHolder: "MY_SERVICE_API_KEY",
      // A key is not to become PATH or PYTHONPATH by a slip.
      validateInput: (text) =>
        /^[A-Za-z_][A-Za-z0-9_]*(KEY|TOKEN)[A-Za-z0-9_]*$/.test(text)
          ? null
          : "Letters, digits and _, with KEY or TOKEN in it.",
    });
  }
}
