// The connection to the server: its process, its commands and its notifications.
import * as vscode from "vscode";
import {
  CloseAction,
  type CloseHandlerResult,
  ErrorAction,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  RevealOutputChannelOn,
  type ServerOptions,
  ShowMessageRequest,
  State,
  ProgressType,
  WorkDoneProgress,
  WorkDoneProgressCancelNotification,
} from "vscode-languageclient/node";

import type { KeyStore } from "./keys";
import { NoServerError, showError } from "./problems";
import type { Commands, Notifications, PartialAnswer, Status } from "./protocol";
import { ask } from "./questions";
import { findServer } from "./serverPath";
import { settingsFor } from "./settings";

const MAX_RESTARTS = 4;
const STOP_TIMEOUT_MS = 4000;
/** LSP's error code RequestCancelled. */
export const REQUEST_CANCELLED = -32800;

export type Phase = "starting" | "ready" | "missing" | "failed";

/** Makes a client for a server; tests pass their own. */
export const PARTIAL = new ProgressType<PartialAnswer>();

type ClientFactory = (server: ServerOptions, options: LanguageClientOptions) => LanguageClient;

/** A client that logs its failures without a popup: the connection reports them as a phase. */
class QuietLanguageClient extends LanguageClient {
  override error(message: string, data?: unknown, showNotification?: boolean | "force"): void {
    super.error(message, data, showNotification === "force" ? false : showNotification);
  }
}

type Arguments<C extends keyof Commands> = Commands[C]["arguments"];
type Result<C extends keyof Commands> = Commands[C]["result"];

export class ServerConnection implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private isInstalled = true;
  /** Starts and stops run one after the other. */
  private queue: Promise<void> = Promise.resolve();
  private readonly phaseEmitter = new vscode.EventEmitter<{ phase: Phase; reason: string }>();
  private readonly statusEmitter = new vscode.EventEmitter<Status>();
  readonly onPhase = this.phaseEmitter.event;
  readonly onStatus = this.statusEmitter.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly keys: KeyStore,
    private readonly log: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
    private readonly createClient: ClientFactory = (server, options) =>
      new QuietLanguageClient("ensemble", "Ensemble", server, options),
  ) {}

  get running(): boolean {
    return this.client?.state === State.Running;
  }

  /** Start the server; if it is running, stop it first. */
  restart(): Promise<void> {
    this.queue = this.queue.then(async () => {
      await this.stopClient();
      await this.startClient();
    });
    return this.queue;
  }

  stop(): Promise<void> {
    this.queue = this.queue.then(() => this.stopClient());
    return this.queue;
  }

  /** Run one of the server's commands. Rejects with the server's error message. */
  async executeCommand<C extends keyof Commands>(
    command: C,
    argument: Arguments<C>,
    token?: vscode.CancellationToken,
  ): Promise<Result<C>> {
    const params = { command, arguments: [argument] };
    // An undefined token would be sent as a second parameter.
    return this.runningClient().sendRequest<Result<C>>(
      "workspace/executeCommand",
      params,
      ...(token ? [token] : []),
    );
  }

  /** Run a command and show the server's progress in a notification with a Cancel button. */
  async executeCommandWithProgress<C extends keyof Commands>(
    title: string,
    command: C,
    argument: Arguments<C>,
  ): Promise<Result<C>> {
    const location = vscode.ProgressLocation.Notification;
    const options = { location, title, cancellable: true };
    return vscode.window.withProgress(options, (progress, token) => {
      let reported = 0;
      return this.executeCommandReporting(command, argument, token, (message, percentage) => {
        const increment = Math.max(0, percentage - reported);
        reported += increment;
        progress.report({ ...(message ? { message } : {}), increment });
      });
    });
  }

  /** Run a command; report the server's progress in per cent, and the answer while it is written. */
  async executeCommandReporting<C extends keyof Commands>(
    command: C,
    argument: Arguments<C>,
    token: vscode.CancellationToken,
    report: (message: string, percentage: number) => void,
    partial?: (answer: PartialAnswer) => void,
  ): Promise<Result<C>> {
    const client = this.runningClient();
    const workDoneToken = crypto.randomUUID();
    const listener = client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
      if (value.kind !== "end") report(value.message ?? "", value.percentage ?? 0);
    });
    const partialResultToken = crypto.randomUUID();
    const partials = partial && client.onProgress(PARTIAL, partialResultToken, partial);
    const cancellation = token.onCancellationRequested(() =>
      client.sendNotification(WorkDoneProgressCancelNotification.type, { token: workDoneToken }),
    );
    try {
      const tokens = { workDoneToken, ...(partial ? { partialResultToken } : {}) };
      return await this.executeCommand<C>(command, { ...argument, ...tokens }, token);
    } finally {
      listener.dispose();
      partials?.dispose();
      cancellation.dispose();
    }
  }

  /** Send a request other than a command. Rejects with the server's error message. */
  async request<R>(method: string, params: object, token: vscode.CancellationToken): Promise<R> {
    return this.runningClient().sendRequest<R>(method, params, token);
  }

  /** Send a notification; without a running server it is dropped. */
  notify<M extends keyof Notifications>(method: M, params: Notifications[M]): void {
    if (this.running) void this.client?.sendNotification(method, params).catch(() => undefined);
  }

  private runningClient(): LanguageClient {
    if (this.client?.state === State.Running) return this.client;
    throw new NoServerError(this.isInstalled);
  }

  private async stopClient(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.dispose(STOP_TIMEOUT_MS).catch(() => undefined);
  }

  private async startClient(): Promise<void> {
    this.phaseEmitter.fire({ phase: "starting", reason: "The server is starting." });
    const program = await findServer(this.context);
    this.isInstalled = program !== undefined;
    if (!program) {
      this.phaseEmitter.fire({ phase: "missing", reason: "ensemble-lsp is not installed." });
      return;
    }
    this.log.info(`Starting ${program}`);
    const client = await this.clientFor(program);
    this.client = client;
    client.onDidChangeState(({ newState }) => {
      if (this.client !== client) return;
      if (newState === State.Running) void this.announceReady(client);
      if (newState === State.Starting) this.phaseEmitter.fire({ phase: "starting", reason: "" });
    });
    client.onRequest(ShowMessageRequest.type, ask);
    client.onNotification("ensemble/status", (status: Status) => this.statusEmitter.fire(status));
    try {
      await client.start();
    } catch (error) {
      this.log.error(String(error));
      this.fail(`${program} did not start: ${(error as Error).message}`);
    }
  }

  /** The server answers `initialize` before its models are loaded; this waits for them. */
  private async announceReady(client: LanguageClient): Promise<void> {
    await this.executeCommand("ensemble.models", {}).catch(() => undefined);
    if (this.client === client && this.running) {
      this.phaseEmitter.fire({ phase: "ready", reason: "" });
    }
  }

  private fail(reason: string): void {
    this.phaseEmitter.fire({ phase: "failed", reason });
  }

  private async clientFor(program: string): Promise<LanguageClient> {
    const env = { ...process.env, ...(await this.keys.environment()) };
    const server: ServerOptions = {
      command: program,
      args: ["serve", "--stdio"],
      options: { env },
    };
    const client: LanguageClient = this.createClient(server, {
      documentSelector: [
        { scheme: "file" },
        { scheme: "untitled" },
        { scheme: "vscode-notebook-cell" },
      ],
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationFailedHandler: () => false,
      errorHandler: this.errorHandler(() => client),
      markdown: { isTrusted: false, supportHtml: false },
      middleware: { ...this.middleware, workspace: { configuration: this.configuration } },
    });
    client.registerFeature({
      fillClientCapabilities: (capabilities) => {
        capabilities.experimental = { ensemble: { explanationCommands: true } };
      },
      initialize: () => undefined,
      getState: () => ({ kind: "static" }),
      clear: () => undefined,
    });
    return client;
  }

  /**
   * Send the server the settings that the user, or a workspace that may, has set. VS Code knows the
   * origin of each setting and the server does not, so the filter is here.
   */
  private readonly configuration: NonNullable<
    NonNullable<Middleware["workspace"]>["configuration"]
  > = async (params, token, next) => {
    const others = await next(params, token);
    const manifest: unknown = this.context.extension.packageJSON;
    return params.items.map((item, index) =>
      item.section === "ensemble"
        ? settingsFor(manifest, vscode.workspace.isTrusted)
        : (others as unknown[])[index],
    );
  };

  /** The library's restart policy, with our own "failed" state instead of its popups. */
  private errorHandler(client: () => LanguageClient): ErrorHandler {
    let restarts: ErrorHandler | undefined;
    return {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: async (): Promise<CloseHandlerResult> => {
        restarts ??= client().createDefaultErrorHandler(MAX_RESTARTS);
        const result = await restarts.closed();
        if (result.action === CloseAction.DoNotRestart) {
          this.fail(`The server stopped ${MAX_RESTARTS + 1} times in three minutes.`);
        }
        return { ...result, handled: true };
      },
    };
  }

  dispose(): void {
    this.phaseEmitter.dispose();
    this.statusEmitter.dispose();
  }
}

/** Run an action of the user's. Show its error, unless the user cancelled it. */
export async function showErrors<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    const cancelled =
      error instanceof vscode.CancellationError ||
      (error as { code?: number }).code === REQUEST_CANCELLED;
    if (!cancelled) void showError(error);
    return undefined;
  }
}
