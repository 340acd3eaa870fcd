// Fakes of the extension's own parts, and typed access to the fake of VS Code.
import * as vscode from "vscode";

import type { Phase, ServerConnection } from "../../src/connection";
import type { Commands, Facts, Model, PartialAnswer, Provider, Status } from "../../src/protocol";
import type * as FakeModule from "./vscode";

export const { fake, window, workspace, TabInputTextDiff } = vscode as unknown as typeof FakeModule;

type Responses = { [C in keyof Commands]?: Commands[C]["result"] | Error };

/** A server that records commands and notifications and gives prepared results. */
export class FakeServer {
  readonly commands: [string, unknown][] = [];
  readonly notifications: [string, unknown][] = [];
  readonly phases = new vscode.EventEmitter<{ phase: Phase; reason: string }>();
  readonly statuses = new vscode.EventEmitter<Status>();
  readonly onPhase = this.phases.event;
  readonly onStatus = this.statuses.event;
  running = true;

  constructor(private readonly responses: Responses = {}) {}

  executeCommand(command: keyof Commands, argument: unknown): Promise<unknown> {
    this.commands.push([command, argument]);
    const response = this.responses[command] ?? null;
    return response instanceof Error ? Promise.reject(response) : Promise.resolve(response);
  }

  executeCommandWithProgress(
    _title: string,
    command: keyof Commands,
    argument: unknown,
  ): Promise<unknown> {
    return this.executeCommand(command, argument);
  }

  /** The answers that are reported before a command's result. */
  partials: PartialAnswer[] = [];

  executeCommandReporting(
    command: keyof Commands,
    argument: unknown,
    _token: unknown,
    _report: unknown,
    partial?: (answer: PartialAnswer) => void,
  ): Promise<unknown> {
    for (const answer of this.partials) partial?.(answer);
    return this.executeCommand(command, argument);
  }

  notify(method: string, params: unknown): void {
    this.notifications.push([method, params]);
  }

  get connection(): ServerConnection {
    return this as unknown as ServerConnection;
  }
}

/** A document with a text and a version that tests may change. */
export class FakeDocument {
  isClosed = false;
  version = 1;

  constructor(
    public text: string,
    readonly languageId = "python",
    readonly uri = vscode.Uri.file("/project/app.py"),
  ) {}

  getText(range?: vscode.Range): string {
    if (!range) return this.text;
    return this.text.slice(this.offsetAt(range.start), this.offsetAt(range.end));
  }

  offsetAt({ line, character }: vscode.Position): number {
    const lines = this.text.split("\n").slice(0, line);
    return lines.reduce((sum, text) => sum + text.length + 1, 0) + character;
  }

  positionAt(offset: number): vscode.Position {
    const lines = this.text.slice(0, offset).split("\n");
    return new vscode.Position(lines.length - 1, lines.at(-1)?.length ?? 0);
  }

  get document(): vscode.TextDocument {
    return this as unknown as vscode.TextDocument;
  }
}

/** An editor whose `edit` changes the document. */
export class FakeEditor {
  selection: vscode.Selection;

  constructor(
    readonly document: FakeDocument,
    position: vscode.Position,
  ) {
    this.selection = new vscode.Selection(position, position);
  }

  edit(change: (edit: { replace(range: vscode.Range, text: string): void }) => void): boolean {
    change({
      replace: (range, text) => {
        const { document } = this;
        const [start, end] = [document.offsetAt(range.start), document.offsetAt(range.end)];
        document.text = document.text.slice(0, start) + text + document.text.slice(end);
        document.version += 1;
      },
    });
    return true;
  }
}

export function provider(name: string, more: Partial<Provider> = {}): Provider {
  return {
    name,
    title: name,
    keyEnv: null,
    defaultBaseUrl: null,
    defaultModel: null,
    local: false,
    needsKey: false,
    needsModel: true,
    tasks: ["complete", "explain", "generate"],
    fineTuning: false,
    ...more,
  };
}

export function model(name: string, more: Partial<Model> = {}): Model {
  return {
    name,
    provider: "acme",
    model: `${name}-1`,
    tasks: ["complete", "explain", "generate"],
    available: true,
    reason: "",
    problem: "other",
    keySource: "none",
    keyVariable: null,
    origin: "config",
    local: false,
    stats: {},
    ...more,
  };
}

export const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** The facts of a server without pins, faults or calls. */
export const FACTS: Facts = {
  pins: {},
  issues: [],
  configPath: "/home/user/config.toml",
  dailyBudget: null,
  today: { cost: 0, inputTokens: 0, outputTokens: 0, models: [] },
  month: { cost: 0, inputTokens: 0, outputTokens: 0, models: [] },
};

/** The ghost text on the screen. */
export class FakeShown {
  shownModels: string[] = [];
  private readonly changes = new vscode.EventEmitter<string | undefined>();
  readonly onDidChange = this.changes.event;

  show(...models: string[]): void {
    this.shownModels = models;
    this.changes.fire(models[0]);
  }
}
