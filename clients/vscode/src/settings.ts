// What the server is told of the editor's settings: only what somebody has set, and of a workspace
// only what it may set. VS Code's own defaults would hide the user's config file.
import * as vscode from "vscode";

const SECTION = "ensemble";
/** The extension's own; the server knows nothing of them. */
const OWN = "ensemble.server.";
/** Lists that a workspace adds to. */
const WIDENED = new Set(["ensemble.privacy.exclude", "ensemble.complete.disabledLanguages"]);

interface Manifest {
  contributes: { configuration: { properties: Record<string, { scope?: string }> } };
  capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
}

/** The settings as the server's schema nests them, without what nobody has set. */
export function settingsFor(manifest: unknown, trusted: boolean): Record<string, unknown> {
  const { contributes, capabilities } = manifest as Manifest;
  const restricted = new Set(capabilities.untrustedWorkspaces.restrictedConfigurations);
  const settings: Record<string, unknown> = {};
  for (const [key, { scope }] of Object.entries(contributes.configuration.properties)) {
    if (key.startsWith(OWN)) continue;
    const usersOnly = scope === "machine" || (!trusted && restricted.has(key));
    const value = valueOf(key, usersOnly);
    if (value !== undefined) put(settings, key.split(".").slice(1), value);
  }
  // In a restricted workspace nothing of it is run.
  if (!trusted) {
    put(settings, ["ensemble", "runExamples"], false);
    put(settings, ["ensemble", "runTests"], "");
  }
  return settings;
}

function valueOf(key: string, usersOnly: boolean): unknown {
  const seen = vscode.workspace.getConfiguration().inspect(key);
  if (!seen) return undefined;
  const workspaces = seen.workspaceFolderValue ?? seen.workspaceValue;
  if (usersOnly || workspaces === undefined) return seen.globalValue;
  if (!WIDENED.has(key)) return workspaces;
  const users = seen.globalValue ?? seen.defaultValue;
  return [...new Set([...(users as string[]), ...(workspaces as string[])])];
}

function put(table: Record<string, unknown>, path: string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) table[key] = value;
  else put((table[key] ??= {}) as Record<string, unknown>, rest, value);
}

/** Whether automatic completion is on for a language. */
export function completes(language: string | undefined): boolean {
  const complete = vscode.workspace.getConfiguration(SECTION).get<{ enabled: boolean }>("complete");
  return complete?.enabled !== false && !disabledLanguages().includes(language ?? "");
}

export function disabledLanguages(): string[] {
  const key = "complete.disabledLanguages";
  return vscode.workspace.getConfiguration(SECTION).get<string[]>(key) ?? [];
}

/** Turn automatic completion on or off, for a language or (undefined) everywhere. */
export async function turn(on: boolean, language: string | undefined): Promise<void> {
  const user = vscode.ConfigurationTarget.Global;
  const settings = vscode.workspace.getConfiguration(SECTION);
  if (language === undefined) {
    await settings.update("complete.enabled", on ? undefined : false, user);
    return;
  }
  const others = disabledLanguages().filter((one) => one !== language);
  const listed = on ? others : [...others, language];
  await settings.update("complete.disabledLanguages", listed.length ? listed : undefined, user);
}
