// Next edits follow the switches of completions: one click turns both off, and turns both on again.
// The extension remembers the next edits that it turned off, so that those the user turned off by a
// setting stay off.
import * as vscode from "vscode";

/** The languages whose next edits a switch turned off; `EVERYWHERE` for all. */
const TURNED_OFF = "ensemble.nextEditsTurnedOff";
const EVERYWHERE = "*";

export class NextEditSwitch {
  constructor(private readonly memory: vscode.Memento) {}

  async everywhere(on: boolean): Promise<void> {
    const settings = configuration();
    const remembered = this.remembered();
    if (!on && settings.get("enabled") !== false) {
      await settings.update("enabled", false, vscode.ConfigurationTarget.Global);
      await this.remember([...remembered, EVERYWHERE]);
    }
    if (on && remembered.includes(EVERYWHERE)) {
      await settings.update("enabled", undefined, vscode.ConfigurationTarget.Global);
      await this.remember(remembered.filter((name) => name !== EVERYWHERE));
    }
  }

  /** Follow the languages that were turned off and those that were turned on. */
  async languages(off: readonly string[], on: readonly string[]): Promise<void> {
    const settings = configuration();
    const disabled = settings.get<string[]>("disabledLanguages") ?? [];
    const remembered = this.remembered();
    const added = off.filter((name) => !disabled.includes(name));
    const removed = on.filter((name) => remembered.includes(name));
    if (!added.length && !removed.length) return;
    const left = [...disabled, ...added].filter((name) => !removed.includes(name));
    const value = left.length ? left : undefined;
    await settings.update("disabledLanguages", value, vscode.ConfigurationTarget.Global);
    await this.remember([...remembered, ...added].filter((name) => !removed.includes(name)));
  }

  private remembered(): string[] {
    return this.memory.get<string[]>(TURNED_OFF) ?? [];
  }

  private async remember(names: string[]): Promise<void> {
    await this.memory.update(TURNED_OFF, names.length ? [...new Set(names)] : undefined);
  }
}

const configuration = (): vscode.WorkspaceConfiguration =>
  vscode.workspace.getConfiguration("ensemble.nextEdit");
