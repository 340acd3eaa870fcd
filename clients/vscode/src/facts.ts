// The facts that the status bar and the menu show: pins, faults of the settings, usage and models.
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";
import type { Facts, Model, Task } from "./protocol";

/** The server counts calls at once, and the bar shows them soon after; a busy minute costs few requests. */
const DELAY_MS = 400;
const PAUSE_MS = 3000;

export class FactStore implements vscode.Disposable {
  facts: Facts | undefined;
  models: Model[] = [];
  private timer: NodeJS.Timeout | undefined;
  private fetched = 0;
  private readonly changes = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changes.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly server: ServerConnection) {
    this.subscriptions = [
      server.onPhase(({ phase }) => (phase === "ready" ? void this.refresh() : this.forget())),
      server.onStatus(({ state }) => {
        if (state !== "busy") this.refreshSoon();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("ensemble")) this.refreshSoon();
      }),
    ];
  }

  /** The model that is pinned for a task. */
  pin(task: Task): string | undefined {
    return this.facts?.pins[task];
  }

  /** Whether more than one model completes, so that its name says something. */
  get severalComplete(): boolean {
    return this.models.filter(({ tasks }) => tasks.includes("complete")).length > 1;
  }

  /** Whether there is nothing but the model that needs no set-up. */
  get needsSetUp(): boolean {
    const { models } = this;
    return models.length > 0 && !models.some(({ tasks }) => tasks.includes("generate"));
  }

  /** Fetch the facts now. */
  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.server.running) return;
    this.fetched = Date.now();
    const [facts, models] = await Promise.all([
      this.server.executeCommand("ensemble.status", {}),
      this.server.executeCommand("ensemble.models", {}),
    ]).catch(() => [undefined, []] as const); // an older server
    this.facts = facts ?? undefined;
    this.models = [...(models ?? [])];
    this.changes.fire();
  }

  private refreshSoon(): void {
    const wait = Math.max(DELAY_MS, this.fetched + PAUSE_MS - Date.now());
    this.timer ??= setTimeout(() => void this.refresh(), wait);
  }

  private forget(): void {
    this.facts = undefined;
    this.models = [];
    this.changes.fire();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.changes.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
