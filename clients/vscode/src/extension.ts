// The VS Code client of ensemble-lsp: creates the parts and connects them.
import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

import { CandidatePicker } from "./candidates";
import { isPreviewed, previewed } from "./codeActions";
import { registerCommands } from "./commands";
import { ServerConnection, showErrors } from "./connection";
import { Dashboard } from "./dashboard";
import { withFormatting } from "./formatting";
import { FactStore } from "./facts";
import { Explanations, type Place, trustJudgement } from "./explanations";
import { InlineEdits } from "./inlineEdit";
import { KeyStore } from "./keys";
import { LastEditor } from "./lastEditor";
import { Menu } from "./menu";
import { ModelLabel } from "./modelLabel";
import { registerNextEdits } from "./nextEditCommands";
import { Pages } from "./pages";
import { Presets, withPreview } from "./presets";
import type { Diagnostic, Range } from "./protocol";
import { configuredServerPath } from "./serverPath";
import { StatusItem } from "./status";
import { offerSetUp, readyFor } from "./setup";
import { Suggestions } from "./suggestions";
import { CandidatesView, ModelsView } from "./views";

let running: ServerConnection | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("Ensemble", { log: true });
  const keys = new KeyStore(context.secrets, context.globalState);
  const pages = new Pages();
  const suggestions = new Suggestions();
  const server: ServerConnection = new ServerConnection(
    context,
    keys,
    log,
    middleware(suggestions, (place) => explain(place)),
  );
  const explanations = new Explanations(server, pages, suggestions);
  const explain = async (place: Place): Promise<void> => {
    if (await readyFor(server, "explain")) await explanations.explain(place);
  };
  suggestions.attach(server);
  const candidates = new CandidatePicker(server, suggestions);
  const edits = new InlineEdits(server, suggestions);
  const editor = new LastEditor();
  pages.codeColumn = () => editor.current?.viewColumn;
  const store = new FactStore(server);
  const dashboard = new Dashboard(context, server, editor, store);
  const status = new StatusItem(server, suggestions, store, editor);
  const menu = new Menu(server, store, editor, () => status.snoozed);
  const label = new ModelLabel(suggestions, store);
  const modelsView = new ModelsView(server);
  context.subscriptions.push(
    editor,
    store,
    label,
    modelsView,
    new CandidatesView(candidates),
    vscode.window.registerWebviewViewProvider("ensemble.dashboardView", dashboard),
  );
  context.subscriptions.push(log, pages, explanations, suggestions, server);
  context.subscriptions.push(candidates, edits, dashboard, status);
  context.subscriptions.push(new Presets(server, candidates, explanations, editor));
  registerNextEdits(context, server, suggestions);
  registerCommands({
    context,
    log,
    server,
    keys,
    pages,
    explanations,
    suggestions,
    candidates,
    edits,
    dashboard,
    editor,
    menu,
    modelsView,
  });
  let program = configuredServerPath();
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration(() => {
      // Compares the user's own path: a path in a workspace's settings also fires, and is ignored.
      if (program === configuredServerPath()) return;
      program = configuredServerPath();
      void server.restart();
    }),
    // Trust changes what the workspace may set and whether its interpreter is used.
    vscode.workspace.onDidGrantWorkspaceTrust(() => void server.restart()),
    server.onPhase(({ phase, reason }) => {
      if (phase === "missing") void offerToInstall();
      if (phase === "failed") void offerHelp(reason);
      if (phase === "ready") void offerSetUp(context, server);
    }),
  );
  running = server;
  await server.restart();
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}

function middleware(
  suggestions: Suggestions,
  explain: (place: Place) => Promise<void>,
): Middleware {
  return {
    sendRequest: (type, params, token, next) => {
      const method = typeof type === "string" ? type : type.method;
      return next(type, params && withFormatting(method, params), token);
    },
    provideHover: async (document, position, token, next) => {
      const hover = await next(document, position, token);
      return hover && trustJudgement(hover);
    },
    provideInlineCompletionItems: suggestions.provideInlineCompletionItems,
    provideCodeActions: async (document, range, context, token, next) =>
      previewed(withPreview(await next(document, range, context, token)), document, range),
    resolveCodeAction: (item, token, next) => (isPreviewed(item) ? item : next(item, token)),
    // An explanation that the server would show itself is shown on a page beside the code.
    executeCommand: (command, args, next) => {
      if (command === "ensemble.accept") suggestions.accepted();
      const [argument] = args as [
        { uri: string; range: Range; diagnostics?: Diagnostic[]; show?: boolean } | undefined,
      ];
      if (command !== "ensemble.explain" || !argument?.show) return next(command, args) as unknown;
      const { uri, range, diagnostics } = argument;
      const place = { uri, range, ...(diagnostics ? { diagnostics } : {}) };
      return showErrors(() => explain(place));
    },
  };
}

async function offerToInstall(): Promise<void> {
  const install = "Install";
  const choose = "Choose the Program";
  const message =
    "Ensemble did not find its server, ensemble-lsp. It can install the server into a virtual " +
    "environment of its own.";
  const chosen = await vscode.window.showWarningMessage(message, install, choose);
  if (chosen === install) await vscode.commands.executeCommand("ensemble.install");
  if (chosen === choose) await openPathSetting();
}

async function offerHelp(reason: string): Promise<void> {
  const restart = "Restart the Server";
  const show = "Show the Log";
  const choose = "Choose the Program";
  const message = `Ensemble: ${reason}`;
  const chosen = await vscode.window.showErrorMessage(message, restart, show, choose);
  if (chosen === restart) await vscode.commands.executeCommand("ensemble.restart");
  if (chosen === show) await vscode.commands.executeCommand("ensemble.showLog");
  if (chosen === choose) await openPathSetting();
}

async function openPathSetting(): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.openSettings", "ensemble.server.path");
}
