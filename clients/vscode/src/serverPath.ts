// Finds the server's program: the setting, the selected Python interpreter, PATH, then the
// extension's own virtual environment.
import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

const WINDOWS = process.platform === "win32";
const PROGRAM = WINDOWS ? "ensemble-lsp.exe" : "ensemble-lsp";

export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The folder of a virtual environment's programs. */
export function scriptsFolder(environment: string): string {
  return path.join(environment, WINDOWS ? "Scripts" : "bin");
}

/** The folder of the virtual environment that the extension installs the server into. */
export function managedEnvironment(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, "venv");
}

interface PythonApi {
  environments?: { getActiveEnvironmentPath?(): { path: string } };
}

/** The interpreter selected in the Python extension; none in an untrusted workspace. */
export async function selectedInterpreter(): Promise<string | undefined> {
  if (!vscode.workspace.isTrusted) return undefined;
  const extension = vscode.extensions.getExtension<PythonApi>("ms-python.python");
  if (!extension) return undefined;
  try {
    const api = await extension.activate();
    const selected = api.environments?.getActiveEnvironmentPath?.().path;
    return selected && path.isAbsolute(selected) ? selected : undefined;
  } catch {
    return undefined;
  }
}

/** The absolute folders of PATH. Relative ones would resolve inside the workspace. */
export function pathFolders(): string[] {
  return (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder));
}

/** The path in the user's settings. A workspace must not choose a program to run. */
export function configuredServerPath(): string | undefined {
  const setting = vscode.workspace.getConfiguration("ensemble").inspect<string>("server.path");
  return setting?.globalValue?.trim();
}

/** The path of the server's program, or undefined if it is not installed. */
export async function findServer(context: vscode.ExtensionContext): Promise<string | undefined> {
  const configured = configuredServerPath();
  if (configured) return configured.replace(/^~(?=[/\\])/, homedir());
  const python = await selectedInterpreter();
  const folders = [...pathFolders(), scriptsFolder(managedEnvironment(context))];
  if (python) folders.unshift(path.dirname(python));
  for (const folder of folders) {
    const file = path.join(folder, PROGRAM);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}
