// Finding the server: the setting, the selected Python interpreter, PATH, the extension's own
// virtual environment.
import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

const WINDOWS = process.platform === "win32";
const PROGRAM = WINDOWS ? "ensemble-lsp.exe" : "ensemble-lsp";

export async function runs(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Where a virtual environment has its programs. */
export function binaries(environment: string): string {
  return path.join(environment, WINDOWS ? "Scripts" : "bin");
}

/** The folder of the extension's own virtual environment. */
export function ownEnvironment(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, "venv");
}

interface PythonApi {
  environments?: { getActiveEnvironmentPath?(): { path: string } };
}

/** The interpreter that the Python extension has selected, where the workspace may choose one. */
export async function interpreter(): Promise<string | undefined> {
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

/** The folders of PATH; relative ones would be the workspace's. */
export function searchPath(): string[] {
  return (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((place) => path.isAbsolute(place));
}

/** The program that the user has chosen; inspect(): a workspace must not choose what is run. */
export function chosenProgram(): string | undefined {
  const setting = vscode.workspace.getConfiguration("ensemble").inspect<string>("server.path");
  return setting?.globalValue?.trim();
}

/** The server's program, or undefined where there is none. */
export async function findServer(context: vscode.ExtensionContext): Promise<string | undefined> {
  const chosen = chosenProgram();
  if (chosen) return chosen.replace(/^~(?=[/\\])/, homedir());
  const python = await interpreter();
  const places = [...searchPath(), binaries(ownEnvironment(context))];
  if (python) places.unshift(path.dirname(python));
  for (const place of places) {
    const file = path.join(place, PROGRAM);
    if (await runs(file)) return file;
  }
  return undefined;
}
