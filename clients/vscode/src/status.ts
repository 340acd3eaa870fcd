// The status bar item: what the server is doing, and which model spoke last.
import * as vscode from "vscode";

export interface Status {
  state: "idle" | "busy" | "offline";
  task?: string;
  model?: string;
  message?: string;
  latencyMs?: number;
  acceptRate?: number;
}

const ICONS = { idle: "$(sparkle)", busy: "$(loading~spin)", offline: "$(debug-disconnect)" };

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "ensemble.status",
    vscode.StatusBarAlignment.Right,
    100,
  );

  constructor() {
    this.item.name = "Ensemble";
    this.item.command = "ensemble.menu";
    this.text("$(loading~spin)", "starting", "The server is starting.");
    this.item.show();
  }

  ready(): void {
    this.text(ICONS.idle, "ready", "Click for the menu.");
  }

  failed(reason: string): void {
    this.text("$(error)", "off", reason);
  }

  update(status: Status): void {
    const latency = status.latencyMs === undefined ? "" : ` ${Math.round(status.latencyMs)} ms`;
    const model = status.model ? `${status.model}${latency}` : "ready";
    const rate =
      status.acceptRate === undefined
        ? ""
        : ` You accept ${Math.round(100 * status.acceptRate)} % of suggestions.`;
    const words = { idle: model, busy: status.model ?? "asking", offline: "offline" };
    this.text(ICONS[status.state], words[status.state], (status.message ?? "") + rate);
  }

  private text(icon: string, words: string, tooltip: string): void {
    this.item.text = `${icon} Ensemble: ${words}`;
    this.item.tooltip = tooltip || "Click for the menu.";
  }

  dispose(): void {
    this.item.dispose();
  }
}
