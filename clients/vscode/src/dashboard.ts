// The dashboard: models by task, and whom the selector would ask here. Live from the server.
import * as vscode from "vscode";

import type { Server } from "./client";
import { type Model, TASKS, type Why } from "./protocol";
import type { State } from "./webview/state";

const SETTLE_MS = 300;
const LOOK_MS = 3000;
/** The commands that its page may run. */
const BUTTONS = new Set([
  "pinModel",
  "whyThis",
  "openReport",
  "compareModels",
  "newModel",
  "install",
  "restart",
  "showLog",
]);

export class Dashboard implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private editor = vscode.window.activeTextEditor;
  private trouble = "";
  private missing = false;
  private soon: NodeJS.Timeout | undefined;
  private regular: NodeJS.Timeout | undefined;
  private readonly listening: vscode.Disposable[];

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly server: Server,
  ) {
    const soon = (): void => this.refreshSoon();
    this.listening = [
      server.onStatus(soon),
      server.onPhase(({ phase, reason }) => {
        this.trouble = reason;
        this.missing = phase === "missing";
        soon();
      }),
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        this.editor = editor ?? this.editor; // the dashboard itself is no text editor
        soon();
      }),
      vscode.window.onDidChangeTextEditorSelection(soon),
    ];
  }

  show(): void {
    if (this.panel) {
      this.panel.reveal();
      return;
    }
    const media = vscode.Uri.joinPath(this.context.extensionUri, "dist");
    const beside = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const options = { enableScripts: true, localResourceRoots: [media] };
    const title = "Ensemble Dashboard";
    const panel = vscode.window.createWebviewPanel("ensemble.dashboard", title, beside, options);
    this.panel = panel;
    panel.webview.onDidReceiveMessage((message: { command?: string }) => {
      const { command } = message;
      if (command === "ready") void this.refresh();
      if (command && BUTTONS.has(command))
        void vscode.commands.executeCommand(`ensemble.${command}`);
    });
    panel.webview.html = page(panel.webview, media);
    // Outcomes settle without a message to the client.
    this.regular = setInterval(() => this.refreshSoon(), LOOK_MS);
    panel.onDidDispose(() => {
      clearInterval(this.regular);
      this.panel = undefined;
    });
  }

  private refreshSoon(): void {
    if (!this.panel?.visible) return;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => void this.refresh(), SETTLE_MS);
  }

  private async refresh(): Promise<void> {
    const state = await this.look().catch((error: unknown) => ({
      error: (error as Error).message,
    }));
    await this.panel?.webview.postMessage(state);
  }

  private async look(): Promise<State> {
    if (!this.server.running) {
      return { error: this.trouble || "The server is not running.", missing: this.missing };
    }
    const models = await this.server.ask<Model[]>("ensemble.models", {});
    return { models, here: await this.here() };
  }

  /** What the selector would choose at the cursor; nothing where no file of the server's is open. */
  private async here(): Promise<State["here"]> {
    const editor = this.editor;
    if (!editor || !["file", "untitled"].includes(editor.document.uri.scheme)) return undefined;
    const position = editor.selection.active;
    const uri = editor.document.uri.toString();
    const asked = TASKS.map((task) =>
      this.server.ask<Why>("ensemble.why", { uri, position, task }),
    );
    const choices = await Promise.all(asked).catch(() => []);
    const file = vscode.workspace.asRelativePath(editor.document.uri);
    return { file, line: position.line + 1, choices };
  }

  dispose(): void {
    clearTimeout(this.soon);
    clearInterval(this.regular);
    this.panel?.dispose();
    for (const one of this.listening) one.dispose();
  }
}

function page(webview: vscode.Webview, media: vscode.Uri): string {
  const source = (name: string): string =>
    webview.asWebviewUri(vscode.Uri.joinPath(media, name)).toString();
  const nonce = crypto.randomUUID();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${source("dashboard.css")}">
<title>Ensemble Dashboard</title>
</head>
<body>
<main id="main"><p class="quiet">Asking the server …</p></main>
<script nonce="${nonce}" src="${source("dashboard.js")}"></script>
</body>
</html>`;
}
