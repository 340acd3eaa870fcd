// The user's config.toml, opened in an editor.
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";

export async function openConfig(server: ServerConnection): Promise<void> {
  const { configPath } = await server.executeCommand("ensemble.status", {});
  const file = vscode.Uri.file(configPath);
  const exists = await vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  );
  // A file that does not exist yet is written when it is saved.
  const uri = exists ? file : file.with({ scheme: "untitled" });
  await vscode.window.showTextDocument(uri);
}
