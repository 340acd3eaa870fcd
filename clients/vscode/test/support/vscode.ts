// A fake of the `vscode` module: the part that the extension uses, and `fake` to control it.
type Listener<T> = (event: T) => unknown;

export class Disposable {
  constructor(private readonly release: () => void) {}
  static from(...items: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => items.forEach((item) => item.dispose()));
  }
  dispose(): void {
    this.release();
  }
}

export class EventEmitter<T> {
  private readonly listeners = new Set<Listener<T>>();
  readonly event = (listener: Listener<T>): Disposable => {
    this.listeners.add(listener);
    return new Disposable(() => this.listeners.delete(listener));
  };
  fire(event: T): void {
    for (const listener of [...this.listeners]) listener(event);
  }
  dispose(): void {
    this.listeners.clear();
  }
}

export class Position {
  constructor(
    readonly line: number,
    readonly character: number,
  ) {}
  isEqual(other: Position): boolean {
    return this.line === other.line && this.character === other.character;
  }
}

export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(...ends: [start: Position, end: Position] | [number, number, number, number]) {
    const [a, b, c, d] = ends;
    this.start = typeof a === "number" ? new Position(a, b as number) : a;
    this.end = typeof a === "number" ? new Position(c!, d!) : (b as Position);
  }
  get isEmpty(): boolean {
    return this.start.isEqual(this.end);
  }
}

export class Selection extends Range {
  get active(): Position {
    return this.end;
  }
}

export class Uri {
  private constructor(
    readonly scheme: string,
    readonly path: string,
    readonly query: string,
  ) {}
  static from({ scheme, path, query = "" }: { scheme: string; path: string; query?: string }): Uri {
    return new Uri(scheme, path, query);
  }
  static file(path: string): Uri {
    return new Uri("file", path, "");
  }
  get fsPath(): string {
    return this.path;
  }
  toString(): string {
    return `${this.scheme}://${this.path}${this.query ? `?${this.query}` : ""}`;
  }
}

export class MarkdownString {
  isTrusted: unknown = false;
  constructor(
    readonly value: string,
    readonly supportThemeIcons = false,
  ) {}
}
export class Hover {
  constructor(readonly contents: unknown[]) {}
}
export class CancellationError extends Error {}
export class ThemeColor {
  constructor(readonly id: string) {}
}
export class TabInputText {
  constructor(readonly uri: Uri) {}
}
export class CancellationTokenSource {
  readonly token = { isCancellationRequested: false };
  cancel(): void {
    this.token.isCancellationRequested = true;
  }
}
export class TabInputTextDiff {
  constructor(
    readonly original: Uri,
    readonly modified: Uri,
  ) {}
}

export const DecorationRangeBehavior = { OpenOpen: 0, ClosedClosed: 1 };
export const DiagnosticSeverity = { Error: 0, Warning: 1, Information: 2, Hint: 3 };
export const EndOfLine = { LF: 1, CRLF: 2 };
export const FilePermission = { Readonly: 1 };
export const OverviewRulerLane = { Left: 1 };
export const TextEditorRevealType = { InCenterIfOutsideViewport: 2 };
export const ConfigurationTarget = { Global: 1, Workspace: 2, WorkspaceFolder: 3 };
export const InlineCompletionTriggerKind = { Invoke: 0, Automatic: 1 };
export const LogLevel = { Off: 0, Trace: 1, Debug: 2, Info: 3, Warning: 4, Error: 5 };
export const ProgressLocation = { SourceControl: 1, Window: 10, Notification: 15 };
export const QuickPickItemKind = { Separator: -1, Default: 0 };
export const StatusBarAlignment = { Left: 1, Right: 2 };
export const ViewColumn = { Active: -1, Beside: -2, One: 1, Two: 2, Three: 3 };

interface Inspected {
  defaultValue?: unknown;
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

interface Item {
  label: string;
}

/** An answer to a prompt: an input box's text or a part of a quick pick's entry; undefined cancels. */
type Answer = string | undefined;

class QuickPick {
  title = "";
  placeholder = "";
  items: Item[] = [];
  activeItems: Item[] = [];
  private readonly active = new EventEmitter<Item[]>();
  private readonly accepted = new EventEmitter<void>();
  private readonly hidden = new EventEmitter<void>();
  readonly onDidChangeActive = this.active.event;
  readonly onDidAccept = this.accepted.event;
  readonly onDidHide = this.hidden.event;

  show(): void {
    fake.quickPick = this;
  }
  dispose(): void {
    this.hidden.fire();
  }
  /** Move to an entry, as the arrow keys do. */
  select(text: string): void {
    this.activeItems = [find(this.items, text)];
    this.active.fire(this.activeItems);
  }
  accept(): void {
    this.accepted.fire();
  }
  hide(): void {
    this.hidden.fire();
  }
}

class StatusBarItem {
  name = "";
  text = "";
  tooltip = new MarkdownString("");
  command = "";
  backgroundColor: ThemeColor | undefined;
  show(): void {}
  hide(): void {}
  dispose(): void {}
}

function find<T>(items: readonly T[], text: string): T {
  const label = (item: T): string => (typeof item === "string" ? item : (item as Item).label);
  const found = items.find((item) => label(item).includes(text));
  if (!found) throw new Error(`no entry ${text} in ${items.map(label).join(", ")}`);
  return found;
}

/** The state of the fake. Each test file has its own process; `reset` separates the tests of a file. */
export const fake = {
  settings: new Map<string, Inspected>(),
  answers: [] as Answer[],
  prompts: [] as string[],
  offered: [] as unknown[][],
  messages: [] as string[],
  /** The button to press in the next messages; one that a message lacks is kept for a later one. */
  buttons: [] as string[],
  executed: [] as unknown[][],
  pressed: undefined as string | undefined,
  trusted: true,
  statusBarItem: undefined as StatusBarItem | undefined,
  quickPick: undefined as QuickPick | undefined,
  activeEditor: new EventEmitter<unknown>(),
  selection: new EventEmitter<unknown>(),
  changedDocument: new EventEmitter<unknown>(),
  diagnostics: [] as unknown[],
  permissions: undefined as number | undefined,
  closedDocument: new EventEmitter<unknown>(),
  configuration: new EventEmitter<{ affectsConfiguration(section: string): boolean }>(),
  tabs: new EventEmitter<{ opened: unknown[] }>(),
  closedTabs: [] as unknown[],
  reset(): void {
    this.settings.clear();
    for (const list of [this.answers, this.prompts, this.offered, this.messages, this.executed]) {
      list.length = 0;
    }
    this.closedTabs.length = 0;
    this.buttons.length = 0;
    this.trusted = true;
    this.pressed = undefined;
    workspace.textDocuments = [];
    this.permissions = undefined;
    this.quickPick = undefined;
    window.activeTextEditor = undefined;
    window.tabGroups.all = [];
  },
};

function answer(prompt: string): Answer {
  fake.prompts.push(prompt);
  if (!fake.answers.length) throw new Error(`unexpected prompt: ${prompt}`);
  return fake.answers.shift();
}

export const window = {
  activeTextEditor: undefined as unknown,
  visibleTextEditors: [] as unknown[],
  onDidChangeActiveTextEditor: fake.activeEditor.event,
  onDidChangeTextEditorSelection: fake.selection.event,
  tabGroups: {
    all: [] as { tabs?: unknown[]; viewColumn?: number }[],
    activeTabGroup: { activeTab: undefined as { label: string; input?: unknown } | undefined },
    onDidChangeTabs: fake.tabs.event,
    close: (tabs: unknown[]): Promise<boolean> => {
      fake.closedTabs.push(...tabs);
      return Promise.resolve(true);
    },
  },
  createStatusBarItem(): StatusBarItem {
    fake.statusBarItem = new StatusBarItem();
    return fake.statusBarItem;
  },
  createTextEditorDecorationType: (): { dispose(): void } => ({ dispose: () => undefined }),
  createQuickPick: (): QuickPick => new QuickPick(),
  showInputBox(options: {
    title: string;
    validateInput?(text: string): string | null;
  }): Promise<Answer> {
    const text = answer(options.title);
    const problem = text === undefined ? null : options.validateInput?.(text);
    if (problem) throw new Error(`${options.title}: ${problem}`);
    return Promise.resolve(text);
  },
  /** Of check boxes, the answer names all that end up ticked, with commas between them. */
  showQuickPick<T>(
    items: readonly T[],
    options: { title: string; canPickMany?: boolean },
  ): Promise<T | T[] | undefined> {
    fake.offered.push([...items]);
    const text = answer(options.title);
    if (text === undefined) return Promise.resolve(undefined);
    if (!options.canPickMany) return Promise.resolve(find(items, text));
    return Promise.resolve(text ? text.split(",").map((one) => find(items, one)) : []);
  },
  showInformationMessage: show,
  showWarningMessage: (...message: unknown[]): Promise<string | undefined> => ask(message),
  showErrorMessage: (...message: unknown[]): Promise<string | undefined> => ask(message),
  setStatusBarMessage: (message: string): Promise<string | undefined> => show(message),
  showTextDocument: (): Promise<undefined> => Promise.resolve(undefined),
  withProgress: <T>(
    _options: unknown,
    task: (progress: unknown, token: unknown) => Promise<T>,
  ): Promise<T> => task({ report: () => undefined }, { onCancellationRequested: () => undefined }),
};

function show(message: string, ...buttons: string[]): Promise<string | undefined> {
  fake.messages.push(message);
  return pressed(buttons);
}

/** A message with buttons; `fake.pressed` is the button that the user presses. */
function ask([message, ...options]: unknown[]): Promise<string | undefined> {
  const buttons = options.filter((one): one is string => typeof one === "string");
  fake.messages.push([message, ...buttons.map((button) => `[${button}]`)].join(" "));
  return pressed(buttons);
}

function pressed(buttons: string[]): Promise<string | undefined> {
  const [wanted] = fake.buttons;
  if (wanted !== undefined && buttons.includes(wanted))
    return Promise.resolve(fake.buttons.shift());
  return Promise.resolve(buttons.find((button) => button === fake.pressed));
}

export const workspace = {
  textDocuments: [] as unknown[],
  get isTrusted(): boolean {
    return fake.trusted;
  },
  onDidChangeConfiguration: fake.configuration.event,
  onDidCloseTextDocument: fake.closedDocument.event,
  onDidChangeTextDocument: fake.changedDocument.event,
  fs: { stat: () => Promise.resolve({ permissions: fake.permissions }) },
  registerTextDocumentContentProvider: (): Disposable => new Disposable(() => undefined),
  getConfiguration(section = ""): unknown {
    const full = (key: string): string => [section, key].filter(Boolean).join(".");
    return {
      inspect: (key: string) => fake.settings.get(full(key)),
      get: (key: string) => effective(full(key)),
      update: (key: string, globalValue: unknown): Promise<void> => {
        fake.settings.set(full(key), { ...fake.settings.get(full(key)), globalValue });
        return Promise.resolve();
      },
    };
  },
};

/** A setting's value, or the object of the settings below a prefix. */
function effective(key: string): unknown {
  const inspected = fake.settings.get(key);
  if (inspected) {
    return inspected.workspaceValue ?? inspected.globalValue ?? inspected.defaultValue;
  }
  const below = [...fake.settings.keys()].filter((name) => name.startsWith(`${key}.`));
  if (!below.length) return undefined;
  return Object.fromEntries(below.map((name) => [name.slice(key.length + 1), effective(name)]));
}

export const commands = {
  executeCommand: (...call: unknown[]): Promise<undefined> => {
    fake.executed.push(call);
    return Promise.resolve(undefined);
  },
  registerCommand: (): Disposable => new Disposable(() => undefined),
};

export const languages = {
  getDiagnostics: (): unknown[] => fake.diagnostics,
  getLanguages: (): Promise<string[]> => Promise.resolve(["css", "go", "python", "rust"]),
};

export const extensions = { getExtension: (): undefined => undefined };
