// The dashboard: the models by task, and the models that would be asked at the cursor.
import * as vscode from "vscode";

import { columnBeside } from "./beside";
import type { ServerConnection } from "./connection";
import type { FactStore } from "./facts";
import type { LastEditor } from "./lastEditor";
import { TASKS } from "./protocol";
import type { State } from "./webview/state";

const DEBOUNCE_MS = 300;
const POLL_MS = 3000;
/** The commands that the page may run. */
const PAGE_COMMANDS = new Set([
  "pinModel",
  "whyThis",
  "openReport",
  "compareModels",
  "newModel",
  "setUp",
  "install",
  "restart",
  "showLog",
]);

export class Dashboard implements vscode.WebviewViewProvider, vscode.Disposable {
  /** The dashboard of the activity bar. */
  private view: vscode.WebviewView | undefined;
  private panel: vscode.WebviewPanel | undefined;
  private problem = "";
  private missing = false;
  private debounce: NodeJS.Timeout | undefined;
  private poll: NodeJS.Timeout | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly server: ServerConnection,
    private readonly editor: LastEditor,
    private readonly store: FactStore,
  ) {
    const refresh = (): void => this.refreshSoon();
    this.subscriptions = [
      server.onStatus(refresh),
      server.onPhase(({ phase, reason }) => {
        this.problem = reason;
        this.missing = phase === "missing";
        refresh();
      }),
      vscode.window.onDidChangeActiveTextEditor(refresh),
      vscode.window.onDidChangeTextEditorSelection(refresh),
    ];
  }

  show(): void {
    if (this.panel) {
      this.panel.reveal();
      return;
    }
    const column = columnBeside(this.editor.current?.viewColumn);
    const beside = { viewColumn: column, preserveFocus: true };
    const options = { enableScripts: true, localResourceRoots: [this.media] };
    const title = "Ensemble Dashboard";
    const panel = vscode.window.createWebviewPanel("ensemble.dashboard", title, beside, options);
    this.panel = panel;
    this.fill(panel.webview);
    panel.onDidDispose(() => (this.panel = undefined));
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: [this.media] };
    this.fill(view.webview);
    view.onDidChangeVisibility(() => this.refreshSoon());
    view.onDidDispose(() => (this.view = undefined));
  }

  private get media(): vscode.Uri {
    return vscode.Uri.joinPath(this.context.extensionUri, "dist");
  }

  private fill(webview: vscode.Webview): void {
    webview.onDidReceiveMessage((message: { command?: string }) => {
      const { command } = message;
      if (command === "ready") void this.refresh();
      if (command && PAGE_COMMANDS.has(command)) {
        void vscode.commands.executeCommand(`ensemble.${command}`);
      }
    });
    webview.html = page(webview, this.media);
    // The server sends no notification when an outcome is recorded.
    this.poll ??= setInterval(() => this.refreshSoon(), POLL_MS);
  }

  private refreshSoon(): void {
    if (!this.panel?.visible && !this.view?.visible) return;
    clearTimeout(this.debounce);
    this.debounce = setTimeout(() => void this.refresh(), DEBOUNCE_MS);
  }

  private async refresh(): Promise<void> {
    const state = await this.loadState().catch((error: unknown) => ({
      error: (error as Error).message,
    }));
    for (const one of [this.panel, this.view]) await one?.webview.postMessage(state);
  }

  private async loadState(): Promise<State> {
    if (!this.server.running) {
      return { error: this.problem || "The server is not running.", missing: this.missing };
    }
    await this.store.refresh();
    return { models: this.store.models, usage: this.store.facts, here: await this.here() };
  }

  /** The choice at the cursor for each task; undefined without a file that the server knows. */
  private async here(): Promise<State["here"]> {
    const editor = this.editor.current;
    if (!editor) return undefined;
    const position = editor.selection.active;
    const uri = editor.document.uri.toString();
    const requests = TASKS.map((task) =>
      this.server.executeCommand("ensemble.why", { uri, position, task }),
    );
    const choices = await Promise.all(requests).catch(() => []);
    const file = vscode.workspace.asRelativePath(editor.document.uri);
    return { file, line: position.line + 1, choices };
  }

  dispose(): void {
    clearTimeout(this.debounce);
    clearInterval(this.poll);
    this.panel?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
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
<main id="main"><p class="quiet">Loading…</p></main>
<script nonce="${nonce}" src="${source("dashboard.js")}"></script>
</body>
</html>`;
}
