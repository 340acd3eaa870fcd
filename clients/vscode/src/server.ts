// Finding the server: the setting, the selected Python interpreter, PATH.
import { access, constants } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";

const PROGRAM = process.platform === "win32" ? "ensemble-lsp.exe" : "ensemble-lsp";

async function runs(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The interpreter that the Python extension has selected, if it is there. */
async function interpreter(): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi>("ms-python.python");
  if (!extension) return undefined;
  const api = await extension.activate();
  return api.environments?.getActiveEnvironmentPath?.().path;
}

interface PythonApi {
  environments?: { getActiveEnvironmentPath?: () => { path: string } };
}

/** The server's program, or undefined where there is none. */
export async function findServer(): Promise<string | undefined> {
  // inspect(): a workspace must not choose what is run.
  const setting = vscode.workspace.getConfiguration("ensemble").inspect<string>("server.path");
  const chosen = setting?.globalValue?.trim();
  if (chosen) return chosen;
  const python = vscode.workspace.isTrusted ? await interpreter() : undefined;
  const places = (process.env["PATH"] ?? "").split(path.delimiter).filter(path.isAbsolute);
  if (python) places.unshift(path.dirname(python));
  for (const place of places) {
    const file = path.join(place, PROGRAM);
    if (await runs(file)) return file;
  }
  return undefined;
}
