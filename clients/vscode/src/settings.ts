// The settings sent to the server: only values that someone has set, and of a workspace's values
// only those that a workspace may set. VS Code's defaults would override the user's config file.
import * as vscode from "vscode";

const SECTION = "ensemble";
/** Settings of the extension itself, unknown to the server. */
const EXTENSION_ONLY = /^ensemble\.(?:server\.|nextEdit\.showInEditor$)/;
/** Lists to which a workspace adds entries instead of replacing the user's. */
const MERGED_LISTS = new Set(["ensemble.privacy.exclude", "ensemble.complete.disabledLanguages"]);

interface Manifest {
  contributes: { configuration: { properties: Record<string, { scope?: string }> }[] };
  capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
}

/** The explicitly set settings, nested as in the server's schema. */
export function settingsFor(manifest: unknown, trusted: boolean): Record<string, unknown> {
  const { contributes, capabilities } = manifest as Manifest;
  const restricted = new Set(capabilities.untrustedWorkspaces.restrictedConfigurations);
  const settings: Record<string, unknown> = {};
  const groups = contributes.configuration.map(({ properties }) => Object.entries(properties));
  for (const [key, { scope }] of groups.flat()) {
    if (EXTENSION_ONLY.test(key)) continue;
    const userOnly = scope === "machine" || (!trusted && restricted.has(key));
    const value = explicitValue(key, userOnly);
    if (value !== undefined) setNested(settings, key.split(".").slice(1), value);
  }
  // No code of an untrusted workspace is run.
  if (!trusted) {
    setNested(settings, ["ensemble", "runExamples"], false);
    setNested(settings, ["ensemble", "runTests"], "");
  }
  return settings;
}

function explicitValue(key: string, userOnly: boolean): unknown {
  const inspected = vscode.workspace.getConfiguration().inspect(key);
  if (!inspected) return undefined;
  const workspace = inspected.workspaceFolderValue ?? inspected.workspaceValue;
  if (userOnly || workspace === undefined) return inspected.globalValue;
  if (!MERGED_LISTS.has(key)) return workspace;
  const user = inspected.globalValue ?? inspected.defaultValue;
  return [...new Set([...(user as string[]), ...(workspace as string[])])];
}

function setNested(table: Record<string, unknown>, path: string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) table[key] = value;
  else setNested((table[key] ??= {}) as Record<string, unknown>, rest, value);
}

/** Whether automatic completion is on for a language. */
export function completionsEnabled(language: string | undefined): boolean {
  const complete = vscode.workspace.getConfiguration(SECTION).get<{ enabled: boolean }>("complete");
  return complete?.enabled !== false && !disabledLanguages().includes(language ?? "");
}

/** Whether next edits are asked for and shown in the editor for a language. */
export function nextEditsEnabled(language: string): boolean {
  const settings = vscode.workspace.getConfiguration(`${SECTION}.nextEdit`);
  const disabled = settings.get<string[]>("disabledLanguages") ?? [];
  const on = (key: string): boolean => settings.get<boolean>(key) !== false;
  return on("enabled") && on("showInEditor") && !disabled.includes(language);
}

export function disabledLanguages(): string[] {
  const key = "complete.disabledLanguages";
  return vscode.workspace.getConfiguration(SECTION).get<string[]>(key) ?? [];
}

/** Turn automatic completion on or off for a language, or everywhere if it is undefined. */
export async function setCompletionsEnabled(
  enabled: boolean,
  language: string | undefined,
): Promise<void> {
  const target = vscode.ConfigurationTarget.Global;
  const settings = vscode.workspace.getConfiguration(SECTION);
  if (language === undefined) {
    await settings.update("complete.enabled", enabled ? undefined : false, target);
    return;
  }
  const others = disabledLanguages().filter((other) => other !== language);
  const disabled = enabled ? others : [...others, language];
  const value = disabled.length ? disabled : undefined;
  await settings.update("complete.disabledLanguages", value, target);
}
