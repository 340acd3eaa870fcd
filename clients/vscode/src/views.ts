// The views of the activity bar: the models with what can be done to each, and the last answers.
import * as vscode from "vscode";

import { type CandidatePicker, entries, type Entry } from "./candidates";
import type { ServerConnection } from "./connection";
import { isKeyless } from "./models";
import { modelSummary } from "./pages";
import type { Model } from "./protocol";

const DEBOUNCE_MS = 500;

export class ModelsView implements vscode.TreeDataProvider<Model>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private debounce: NodeJS.Timeout | undefined;
  private readonly view: vscode.TreeView<Model>;
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly server: ServerConnection) {
    this.view = vscode.window.createTreeView("ensemble.models", { treeDataProvider: this });
    const refresh = (): void => this.refresh();
    this.subscriptions = [
      this.view,
      server.onPhase(refresh),
      server.onStatus(refresh),
      this.view.onDidChangeVisibility(refresh),
    ];
  }

  refresh(): void {
    if (!this.view.visible) return;
    clearTimeout(this.debounce);
    this.debounce = setTimeout(() => this.changed.fire(), DEBOUNCE_MS);
  }

  async getChildren(): Promise<Model[]> {
    if (!this.server.running) return [];
    return this.server.executeCommand("ensemble.models", {}).catch(() => []);
  }

  getTreeItem(model: Model): vscode.TreeItem {
    const item = new vscode.TreeItem(model.name);
    const keyless = isKeyless(model);
    item.id = model.name;
    item.description = keyless ? `no key in ${model.keyVariable ?? ""}` : modelSummary(model);
    item.tooltip = [`${model.provider} ${model.model}`.trim(), model.reason, place(model)]
      .filter(Boolean)
      .join("\n");
    item.accessibilityInformation = { label: `${model.name}: ${item.description}` };
    const icon = model.available ? "check" : keyless ? "key" : "warning";
    item.iconPath = new vscode.ThemeIcon(icon);
    item.contextValue = keyless ? "keyless" : "model";
    if (keyless) {
      const [title, command] = ["Store the Key", "ensemble.storeKey"];
      item.command = { title, command, arguments: [model.keyVariable] };
    }
    return item;
  }

  dispose(): void {
    clearTimeout(this.debounce);
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

const place = ({ local }: Model): string =>
  local ? "Your code stays on this machine." : "Your code is sent to a service.";

export class CandidatesView implements vscode.TreeDataProvider<Entry>, vscode.Disposable {
  readonly onDidChangeTreeData: vscode.Event<void>;
  private readonly registration: vscode.Disposable;

  constructor(private readonly candidates: CandidatePicker) {
    this.onDidChangeTreeData = candidates.onDidChangeAnswers;
    this.registration = vscode.window.registerTreeDataProvider("ensemble.candidates", this);
  }

  getChildren(): Entry[] {
    const { current } = this.candidates;
    return current ? entries(current).filter(({ candidate }) => candidate) : [];
  }

  getTreeItem(entry: Entry): vscode.TreeItem {
    const [, icon, name] = /^\$\(([^)]*)\) (.*)$/.exec(entry.label) ?? [];
    const item = new vscode.TreeItem(name ?? entry.label);
    item.description = entry.detail ?? "";
    item.tooltip = entry.candidate?.text ?? "";
    // Without it, a screen reader reads the tooltip, which is the whole code.
    item.accessibilityInformation = { label: `${name ?? entry.label}: ${entry.detail ?? ""}` };
    item.iconPath = new vscode.ThemeIcon(icon ?? "sparkle");
    item.contextValue = "candidate";
    const title = "Show the Difference";
    item.command = { title, command: "ensemble.previewCandidate", arguments: [entry] };
    return item;
  }

  dispose(): void {
    this.registration.dispose();
  }
}
