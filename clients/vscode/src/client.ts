// The connection to the server: started, restarted, asked.
import * as vscode from "vscode";
import {
  type CloseHandlerResult,
  CloseAction,
  ErrorAction,
  LanguageClient,
  type Middleware,
  RevealOutputChannelOn,
  type ServerOptions,
  State,
  WorkDoneProgress,
  WorkDoneProgressCancelNotification,
} from "vscode-languageclient/node";

import type { Keys } from "./keys";
import type { Status } from "./protocol";
import { findServer } from "./server";
import { settingsFor } from "./settings";

const RESTARTS = 4;
const WITHIN_MS = 180_000;
const CANCELLED = -32800;

export type Phase = "starting" | "ready" | "missing" | "failed";

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private turn: Promise<void> = Promise.resolve();
  private ends: number[] = [];
  private readonly phases = new vscode.EventEmitter<{ phase: Phase; reason: string }>();
  private readonly statuses = new vscode.EventEmitter<Status>();
  readonly onPhase = this.phases.event;
  readonly onStatus = this.statuses.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly keys: Keys,
    private readonly log: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
  ) {}

  get running(): boolean {
    return this.client?.state === State.Running;
  }

  /** Start, or stop and start; one after the other however often it is called. */
  restart(): Promise<void> {
    this.turn = this.turn.then(async () => {
      await this.halt();
      await this.start();
    });
    return this.turn;
  }

  async stop(): Promise<void> {
    this.turn = this.turn.then(() => this.halt());
    return this.turn;
  }

  /** Run one of the server's commands. Rejects with its sentence. */
  async ask<T>(command: string, argument: object, token?: vscode.CancellationToken): Promise<T> {
    const params = { command, arguments: [argument] };
    // Without a token the argument is left out: undefined would be a second parameter.
    return this.connected().sendRequest<T>(
      "workspace/executeCommand",
      params,
      ...(token ? [token] : []),
    );
  }

  /** As `ask`, with the server's progress in a notification that cancels. */
  async askWithProgress<T>(title: string, command: string, argument: object): Promise<T> {
    const client = this.connected();
    const location = vscode.ProgressLocation.Notification;
    const options = { location, title, cancellable: true };
    const workDoneToken = crypto.randomUUID();
    return vscode.window.withProgress(options, async (bar, token) => {
      let done = 0;
      const listening = client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
        if (value.kind === "end") return;
        const increment = Math.max(0, (value.percentage ?? 0) - done);
        done += increment;
        bar.report({ ...(value.message ? { message: value.message } : {}), increment });
      });
      const cancelling = token.onCancellationRequested(() =>
        client.sendNotification(WorkDoneProgressCancelNotification.type, { token: workDoneToken }),
      );
      try {
        return await this.ask<T>(command, { ...argument, workDoneToken }, token);
      } finally {
        listening.dispose();
        cancelling.dispose();
      }
    });
  }

  /** Tell the server something; nobody waits, and a server that is gone need not know. */
  tell(method: string, params: object): void {
    if (this.running) void this.client?.sendNotification(method, params).catch(() => undefined);
  }

  private connected(): LanguageClient {
    if (this.client?.state === State.Running) return this.client;
    throw new Error("The Ensemble server is not running; see its log.");
  }

  private async halt(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.dispose(4000).catch(() => undefined);
  }

  private async start(): Promise<void> {
    this.phases.fire({ phase: "starting", reason: "The server is starting." });
    const program = await findServer(this.context);
    if (!program) {
      this.phases.fire({ phase: "missing", reason: "ensemble-lsp is not installed." });
      return;
    }
    this.log.info(`The server is ${program}`);
    const client = await this.make(program);
    this.client = client;
    client.onDidChangeState(({ newState }) => {
      if (this.client !== client) return;
      if (newState === State.Running) void this.whenReady(client);
      if (newState === State.Starting) this.phases.fire({ phase: "starting", reason: "" });
    });
    client.onNotification("ensemble/status", (status: Status) => this.statuses.fire(status));
    try {
      await client.start();
    } catch (error) {
      this.log.error(String(error));
      this.failed(`${program} did not start: ${(error as Error).message}`);
    }
  }

  /** It answers `initialize` before it has its models; ready it is with them. */
  private async whenReady(client: LanguageClient): Promise<void> {
    await this.ask("ensemble.models", {}).catch(() => undefined);
    if (this.client === client && this.running) this.phases.fire({ phase: "ready", reason: "" });
  }

  private failed(reason: string): void {
    this.phases.fire({ phase: "failed", reason });
  }

  private async make(program: string): Promise<LanguageClient> {
    const env = { ...process.env, ...(await this.keys.environment()) };
    const server: ServerOptions = {
      command: program,
      args: ["serve", "--stdio"],
      options: { env },
    };
    const manifest: unknown = this.context.extension.packageJSON;
    return new LanguageClient("ensemble", "Ensemble", server, {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.closed(),
      },
      markdown: { isTrusted: false, supportHtml: false },
      middleware: {
        ...this.middleware,
        workspace: {
          // Here and not on the server it is known who set what, so the server is not told to
          // mistrust all of it: that would drop the user's own models.
          configuration: async (params, token, next) => {
            const others = await next(params, token);
            return params.items.map((item, index) =>
              item.section === "ensemble"
                ? settingsFor(manifest, vscode.workspace.isTrusted)
                : (others as unknown[])[index],
            );
          },
        },
      },
    });
  }

  /** The process has ended by itself: again, unless it does so again and again. */
  private closed(): CloseHandlerResult {
    const now = Date.now();
    this.ends = [...this.ends.filter((end) => now - end < WITHIN_MS), now];
    if (this.ends.length <= RESTARTS) return { action: CloseAction.Restart, handled: true };
    this.ends = [];
    this.failed("The server ended five times in three minutes; see its log.");
    return { action: CloseAction.DoNotRestart, handled: true };
  }

  dispose(): void {
    this.phases.dispose();
    this.statuses.dispose();
  }
}

/** Run what the user asked for; a failure is told in its own sentence, a cancelling is not. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const cancelled =
      error instanceof vscode.CancellationError || (error as { code?: number }).code === CANCELLED;
    if (!cancelled) void vscode.window.showErrorMessage((error as Error).message);
    return undefined;
  }
}
