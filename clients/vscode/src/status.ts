// The status bar item: what the server is doing, which model spoke last, how long it took.
import * as vscode from "vscode";

import type { Phase, Server } from "./client";
import type { Status } from "./protocol";
import { completes } from "./settings";

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "ensemble.status",
    vscode.StatusBarAlignment.Right,
    100,
  );
  private phase: Phase = "starting";
  private reason = "";
  private status: Status = { state: "idle" };
  /** The last answer: what is shown while nothing happens. */
  private last: Pick<Status, "task" | "model" | "latencyMs"> = {};
  private readonly listening: vscode.Disposable[];

  constructor(server: Server) {
    this.item.name = "Ensemble";
    this.item.command = "ensemble.menu";
    this.listening = [
      server.onPhase(({ phase, reason }) => {
        this.phase = phase;
        this.reason = reason;
        this.status = { state: "idle" };
        this.draw();
      }),
      server.onStatus((status) => this.update(status)),
      vscode.window.onDidChangeActiveTextEditor(() => this.draw()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("ensemble.complete")) this.draw();
      }),
    ];
    this.draw();
    this.item.show();
  }

  private update(status: Status): void {
    this.status = status;
    if (status.state === "idle" && status.model) {
      const { task, model, latencyMs } = status;
      const same = this.last.model === model && this.last.task === task;
      // The latency comes with the call, before the answer itself is told.
      const latency = latencyMs ?? (same ? this.last.latencyMs : undefined);
      this.last = { model, ...(task ? { task } : {}), ...(latency ? { latencyMs: latency } : {}) };
    }
    this.draw();
  }

  private draw(): void {
    const { icon, words, alarm } = this.look();
    this.item.text = `${icon} Ensemble: ${words}`;
    this.item.backgroundColor = alarm
      ? new vscode.ThemeColor("statusBarItem.warningBackground")
      : undefined;
    this.item.tooltip = this.tooltip();
  }

  private look(): { icon: string; words: string; alarm?: boolean } {
    if (this.phase === "starting") return { icon: "$(loading~spin)", words: "starting" };
    if (this.phase === "missing")
      return { icon: "$(cloud-download)", words: "install", alarm: true };
    if (this.phase === "failed") return { icon: "$(error)", words: "off", alarm: true };
    const { state, model } = this.status;
    if (state === "busy") return { icon: "$(loading~spin)", words: model ?? "asking" };
    if (state === "offline") return { icon: "$(debug-disconnect)", words: "offline", alarm: true };
    const language = vscode.window.activeTextEditor?.document.languageId;
    const icon = completes(language) ? "$(sparkle)" : "$(circle-slash)";
    return { icon, words: this.answer() || "ready" };
  }

  private answer(): string {
    const { model, latencyMs } = this.last;
    return [model, latencyMs === undefined ? "" : duration(latencyMs)].filter(Boolean).join(" ");
  }

  private tooltip(): string {
    const rate = this.status.acceptRate;
    return [
      this.status.message ?? this.reason,
      this.last.model ? `Last answer (${this.last.task ?? "?"}): ${this.answer()}` : "",
      rate === undefined ? "" : `You accept ${Math.round(100 * rate)} % of suggestions.`,
      "Click for the menu.",
    ]
      .filter(Boolean)
      .join("\n");
  }

  dispose(): void {
    for (const one of this.listening) one.dispose();
    this.item.dispose();
  }
}

/** Milliseconds for people. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
