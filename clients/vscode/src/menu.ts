// The menu of the status bar item: the model for completions first, then switches, then the rest.
import * as vscode from "vscode";

import type { ServerConnection } from "./connection";
import { duration } from "./duration";
import type { FactStore } from "./facts";
import type { LastEditor } from "./lastEditor";
import { withoutIcons } from "./markdown";
import { describe, run } from "./problems";
import { type Model, type Task, TASKS } from "./protocol";
import { completionsEnabled, disabledLanguages } from "./settings";
import { SNOOZE_MINUTES } from "./switches";
import { spent, today } from "./usage";

export interface Entry extends vscode.QuickPickItem {
  act?: () => unknown;
}

/** The tasks that a choice is for. */
type Scope = Task | "all tasks";

const NOUNS: Record<Scope, string> = {
  complete: "completions",
  explain: "explanations",
  generate: "generated code",
  edit: "next edits",
  "all tasks": "all tasks",
};

export class Menu {
  constructor(
    private readonly server: ServerConnection,
    private readonly store: FactStore,
    private readonly editor: LastEditor,
    /** The state of the snooze, from the last status. */
    private readonly snoozed: () => boolean,
  ) {}

  async show(): Promise<void> {
    if (!this.server.running) return pick([...NOT_RUNNING, ...REST], "Ensemble");
    await this.store.refresh();
    const items = [
      ...(await this.modelEntries("complete")),
      ...(this.store.needsSetUp ? [SET_UP_FIRST] : []),
      action("$(list-selection) Model for another task…", () => this.chooseTask()),
      separator("Completions and next edits"),
      ...this.switches(),
      separator("Ensemble"),
      ...this.tools(),
      ...REST,
    ];
    await pick(items, "Ensemble: model for completions");
  }

  /** Choose the model for a task, or for all. */
  private async chooseModel(scope: Scope): Promise<void> {
    await pick(await this.modelEntries(scope), `Model for ${NOUNS[scope]}`);
  }

  async chooseTask(): Promise<void> {
    await this.store.refresh();
    const scopes: Scope[] = [...TASKS, "all tasks"];
    const items = scopes.map((scope) => ({
      label: scope,
      description: scope === "all tasks" ? "" : NOUNS[scope],
      detail: this.pinned(scope) ? `$(pinned) ${this.pinned(scope)}` : "automatic",
      scope,
    }));
    const title = "Choose the Model for Which Task?";
    const chosen = await vscode.window.showQuickPick(items, { title });
    if (chosen) await this.chooseModel(chosen.scope);
  }

  /** "Automatic" with the model that it would choose, and each model that can do the task. */
  private async modelEntries(scope: Scope): Promise<Entry[]> {
    const current = this.pinned(scope);
    const would = scope === "all tasks" ? undefined : await this.automatic(scope);
    const mixed = scope === "all tasks" && current === undefined && this.anyPin();
    const automatic: Entry = {
      label: `${tick(current === undefined && !mixed)} Automatic`,
      description: would ? `would ask ${would} here` : "learns which model is best for your code",
      act: () => this.pin(scope, null),
    };
    const tasks = scope === "all tasks" ? TASKS : [scope];
    const able = this.store.models.filter((model) =>
      tasks.some((task) => model.tasks.includes(task)),
    );
    return [automatic, ...able.map((model) => this.modelEntry(model, scope, current))];
  }

  private modelEntry(model: Model, scope: Scope, current: string | undefined): Entry {
    return {
      label: `${tick(model.name === current)} ${withoutIcons(model.name)}`,
      description: model.available ? record(model, scope) : `$(warning) ${model.reason}`,
      act: () => (model.available ? this.pin(scope, model.name) : mendModel(model)),
    };
  }

  /** The pinned model; for all tasks, the one that every task which it can do is pinned to. */
  private pinned(scope: Scope): string | undefined {
    if (scope !== "all tasks") return this.store.pin(scope);
    return this.store.models.find(
      ({ name, tasks }) => tasks.length && tasks.every((task) => this.store.pin(task) === name),
    )?.name;
  }

  private anyPin(): boolean {
    return TASKS.some((task) => this.store.pin(task) !== undefined);
  }

  private async automatic(task: Task): Promise<string | undefined> {
    const editor = this.editor.current;
    if (!editor) return undefined;
    const uri = editor.document.uri.toString();
    const position = editor.selection.active;
    const argument = { uri, position, task, unpinned: true };
    const why = await this.server.executeCommand("ensemble.why", argument).catch(() => undefined);
    return why?.models[0];
  }

  /** Pin a model for the tasks that it can do; null lets the selector choose again. */
  private async pin(scope: Scope, name: string | null): Promise<void> {
    const can = this.store.models.find((model) => model.name === name)?.tasks ?? TASKS;
    const tasks = scope === "all tasks" ? TASKS.filter((task) => can.includes(task)) : [scope];
    for (const task of tasks) await this.server.executeCommand("ensemble.pin", { task, name });
    await this.store.refresh();
    const message = name
      ? `Ensemble: ${name} is pinned for ${NOUNS[scope]}`
      : `Ensemble: the model for ${NOUNS[scope]} is chosen automatically`;
    vscode.window.setStatusBarMessage(message, 4000);
  }

  private switches(): Entry[] {
    const { language } = this.editor;
    const on = completionsEnabled(undefined);
    const here = language && !disabledLanguages().includes(language);
    const byLanguage = language
      ? [
          entry(
            "circle-slash",
            `Turn completions ${here ? "off" : "on"} for ${language}`,
            "toggleLanguage",
          ),
        ]
      : [];
    const snooze = this.snoozed()
      ? [entry("bell", "End the snooze", "endSnooze")]
      : [
          entry("bell-slash", `Snooze for ${SNOOZE_MINUTES} minutes`, "snoozeForMinutes"),
          entry("bell-slash", "Snooze until the server restarts", "snoozeUntilRestart"),
        ];
    return [
      {
        ...entry("circle-slash", `Turn completions ${on ? "off" : "on"} everywhere`, "toggle"),
        description: on ? "" : "off now",
      },
      ...byLanguage.map((one) => ({ ...one, description: here ? "" : "off now" })),
      entry("checklist", "Languages…", "chooseLanguages"),
      ...snooze,
    ];
  }

  private tools(): Entry[] {
    const { facts } = this.store;
    const usage = facts ? `today ${today(facts)} · this month ${spent(facts.month)}` : "";
    return [
      entry("question", "Why this answer", "whyThis"),
      entry("list-unordered", "Models", "showModels"),
      ...(this.store.needsSetUp ? [] : [SET_UP]),
      entry("key", "Store an API key", "storeKey"),
      { ...entry("dashboard", "Dashboard", "dashboard"), description: usage },
      entry("graph", "Usage report", "openReport"),
      entry("beaker", "Compare models on this workspace", "compareModels"),
    ];
  }
}

const entry = (icon: string, label: string, command: string): Entry =>
  action(`$(${icon}) ${label}`, () => vscode.commands.executeCommand(`ensemble.${command}`));

const action = (label: string, act: () => unknown): Entry => ({ label, act });

const separator = (label = ""): Entry => ({ label, kind: vscode.QuickPickItemKind.Separator });

const SET_UP = entry("add", "Set up a model", "setUp");
/** Near the top, for a user who has none. */
const SET_UP_FIRST = { ...SET_UP, description: "to complete, explain and generate new code" };
const NOT_RUNNING = [entry("cloud-download", "Install the server", "install")];
const REST = [
  separator(),
  entry("output", "Show the log", "showLog"),
  entry("refresh", "Restart the server", "restart"),
  entry("gear", "Settings", "openSettings"),
  entry("settings-gear", "Open config.toml", "openConfig"),
  entry("book", "Get started", "openWalkthrough"),
];

/** A tick, or a blank of the same width, so that the names are aligned. */
const tick = (on: boolean): string => (on ? "$(check)" : "$(blank)");

/** A model's latency and acceptance at a task. */
function record(model: Model, scope: Scope): string {
  const stats = scope === "all tasks" ? undefined : model.stats[scope];
  const latency = stats?.latency.total_p50;
  return [
    latency == null ? "" : duration(latency),
    stats?.shown ? `${stats.accepted} of ${stats.shown} accepted` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

async function mendModel({ problem }: Model): Promise<void> {
  const [first] = describe(problem).fixes;
  if (first) await run(first);
}

async function pick(items: Entry[], title: string): Promise<void> {
  const chosen = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
  await chosen?.act?.();
}
