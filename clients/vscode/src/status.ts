// The status bar item: the model of the ghost text on the screen, or else the state.
import * as vscode from "vscode";

import type { Phase, ServerConnection } from "./connection";
import type { FactStore } from "./facts";
import type { LastEditor } from "./lastEditor";
import { withoutIcons } from "./markdown";
import type { Status } from "./protocol";
import { completionsEnabled } from "./settings";
import { appearance, tooltip, type View } from "./statusText";
import type { Suggestions } from "./suggestions";

type Shown = Pick<Suggestions, "shownModels" | "onDidChange">;

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "ensemble.status",
    vscode.StatusBarAlignment.Right,
    100,
  );
  private phase: Phase = "starting";
  private reason = "";
  private status: Status = { state: "idle" };
  private failure: View["failure"];
  private last: View["last"] = {};
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    server: ServerConnection,
    private readonly suggestions: Shown,
    private readonly store: FactStore,
    private readonly editor: LastEditor,
  ) {
    this.item.name = "Ensemble";
    this.item.command = "ensemble.menu";
    this.subscriptions = [
      server.onPhase(({ phase, reason }) => {
        this.phase = phase;
        this.reason = reason;
        this.status = { state: "idle" };
        this.failure = undefined;
        this.last = {};
        this.render();
      }),
      server.onStatus((status) => this.update(status)),
      suggestions.onDidChange(() => this.render()),
      store.onDidChange(() => this.render()),
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
    const { state, model, problem, message } = status;
    if (state === "idle" && model) this.noteAnswer(status);
    if (state === "offline" || problem) this.failure = { problem, message };
    this.render();
  }

  private noteAnswer({ task, model, latencyMs }: Status): void {
    if (isAnswer(task, latencyMs)) this.failure = undefined;
    const same = this.last.model === model && this.last.task === task;
    // The latency arrives with the call's status, before the status of the answer.
    const latency = latencyMs ?? (same ? this.last.latencyMs : undefined);
    this.last = {
      ...(model ? { model } : {}),
      ...(task ? { task } : {}),
      ...(latency ? { latencyMs: latency } : {}),
    };
  }

  private render(): void {
    const view = this.view();
    const { icon, text, warning } = appearance(view);
    this.item.text = `$(${icon}) Ensemble: ${withoutIcons(text)}`;
    this.item.backgroundColor = warning
      ? new vscode.ThemeColor("statusBarItem.warningBackground")
      : undefined;
    const { markdown, trusted } = tooltip(view);
    const shown = new vscode.MarkdownString(markdown, true);
    shown.isTrusted = { enabledCommands: trusted };
    this.item.tooltip = shown;
  }

  private view(): View {
    const { language } = this.editor;
    return {
      phase: this.phase,
      reason: this.status.message ?? this.reason,
      status: this.status,
      failure: this.failure,
      shown: this.suggestions.shownModels,
      last: this.last,
      facts: this.store.facts,
      needsSetUp: this.store.needsSetUp,
      language,
      on: { everywhere: completionsEnabled(undefined), here: completionsEnabled(language) },
    };
  }

  get snoozed(): boolean {
    return this.status.snoozed ?? false;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.item.dispose();
  }
}

/** Of completions and edits, the status with a latency only says that a call has ended. */
function isAnswer(task: Status["task"], latencyMs: number | undefined): boolean {
  return latencyMs === undefined || task === "explain" || task === "generate";
}
