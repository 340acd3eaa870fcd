// The status bar item: the server's state, the model of the last answer and its latency.
import * as vscode from "vscode";

import type { Phase, ServerConnection } from "./connection";
import type { Status } from "./protocol";
import { completionsEnabled } from "./settings";

interface Appearance {
  icon: string;
  text: string;
  warning?: boolean;
}

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "ensemble.status",
    vscode.StatusBarAlignment.Right,
    100,
  );
  private phase: Phase = "starting";
  private reason = "";
  private status: Status = { state: "idle" };
  /** The last answer, shown while the server is idle. */
  private last: Pick<Status, "task" | "model" | "latencyMs"> = {};
  private readonly subscriptions: vscode.Disposable[];

  constructor(server: ServerConnection) {
    this.item.name = "Ensemble";
    this.item.command = "ensemble.menu";
    this.subscriptions = [
      server.onPhase(({ phase, reason }) => {
        this.phase = phase;
        this.reason = reason;
        this.status = { state: "idle" };
        this.render();
      }),
      server.onStatus((status) => this.update(status)),
      vscode.window.onDidChangeActiveTextEditor(() => this.render()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("ensemble.complete")) this.render();
      }),
    ];
    this.render();
    this.item.show();
  }

  private update(status: Status): void {
    this.status = status;
    if (status.state === "idle" && status.model) {
      const { task, model, latencyMs } = status;
      const same = this.last.model === model && this.last.task === task;
      // The latency arrives with the call's status, before the status of the answer.
      const latency = latencyMs ?? (same ? this.last.latencyMs : undefined);
      this.last = { model, ...(task ? { task } : {}), ...(latency ? { latencyMs: latency } : {}) };
    }
    this.render();
  }

  private render(): void {
    const { icon, text, warning } = this.appearance();
    this.item.text = `${icon} Ensemble: ${text}`;
    this.item.backgroundColor = warning
      ? new vscode.ThemeColor("statusBarItem.warningBackground")
      : undefined;
    this.item.tooltip = this.tooltip();
  }

  private appearance(): Appearance {
    if (this.phase === "starting") return { icon: "$(loading~spin)", text: "starting" };
    if (this.phase === "missing") {
      return { icon: "$(cloud-download)", text: "install", warning: true };
    }
    if (this.phase === "failed") return { icon: "$(error)", text: "off", warning: true };
    const { state, model } = this.status;
    if (state === "busy") return { icon: "$(loading~spin)", text: model ?? "working" };
    if (state === "offline") {
      return { icon: "$(debug-disconnect)", text: "offline", warning: true };
    }
    const language = vscode.window.activeTextEditor?.document.languageId;
    const icon = completionsEnabled(language) ? "$(sparkle)" : "$(circle-slash)";
    return { icon, text: this.lastAnswer() || "ready" };
  }

  private lastAnswer(): string {
    const { model, latencyMs } = this.last;
    return [model, latencyMs === undefined ? "" : duration(latencyMs)].filter(Boolean).join(" ");
  }

  private tooltip(): string {
    const rate = this.status.acceptRate;
    return [
      this.status.message ?? this.reason,
      this.last.model ? `Last answer (${this.last.task ?? "?"}): ${this.lastAnswer()}` : "",
      rate === undefined ? "" : `You accept ${Math.round(100 * rate)} % of suggestions.`,
      "Click for the menu.",
    ]
      .filter(Boolean)
      .join("\n");
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.item.dispose();
  }
}

/** Format milliseconds. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
