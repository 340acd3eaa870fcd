// Ready-made requests: fix or explain the problems at the cursor, write tests, write documentation.
// Problems are those of every extension. Answers are previewed, as those of "Generate" are.
import * as vscode from "vscode";

import type { CandidatePicker } from "./candidates";
import { type ServerConnection, showErrors } from "./connection";
import type { Explanations } from "./explanations";
import type { LastEditor } from "./lastEditor";
import type { Diagnostic, Generate, Preset, Range, Task } from "./protocol";
import { readyFor } from "./setup";

const RUN = "ensemble.runPreset";
const SEVERITIES = ["error", "warning", "information", "hint"] as const;
/** The server takes no more; the others are usually consequences of these. */
const MAX_DIAGNOSTICS = 8;

type Actions = (vscode.CodeAction | vscode.Command)[] | null | undefined;

/** Let the code actions of presets run the command with the preview, instead of editing at once. */
export function withPreview(actions: Actions): Actions {
  for (const action of actions ?? []) {
    const item = action as vscode.CodeAction & { data?: { task?: string; arguments?: Generate } };
    if (item.data?.task !== "preset") continue;
    item.command = { title: item.title, command: RUN, arguments: [item.data.arguments] };
    delete item.data;
  }
  return actions;
}

/** The problems under the cursor or in the selection, else those of its lines; the worst first. */
export function problemsAt(document: vscode.TextDocument, place: vscode.Range): Diagnostic[] {
  const all = vscode.languages
    .getDiagnostics(document.uri)
    .filter(({ severity }) => severity !== vscode.DiagnosticSeverity.Hint)
    .sort((one, other) => one.severity - other.severity);
  const touching = all.filter(({ range }) => range.intersection(place));
  const lines = new vscode.Range(place.start.line, 0, place.end.line + 1, 0);
  const near = touching.length ? touching : all.filter(({ range }) => range.intersection(lines));
  return near.slice(0, MAX_DIAGNOSTICS).map(({ message, range, severity, code, source }) => ({
    message,
    range: { start: range.start, end: range.end },
    severity: SEVERITIES[severity],
    ...(code === undefined ? {} : { code: String(typeof code === "object" ? code.value : code) }),
    ...(source ? { source } : {}),
  }));
}

export class Presets implements vscode.Disposable {
  private readonly registrations: vscode.Disposable;

  constructor(
    server: ServerConnection,
    private readonly candidates: CandidatePicker,
    private readonly explanations: Explanations,
    private readonly editor: LastEditor,
  ) {
    const commands: Record<string, [Task, (argument: Generate) => Promise<void>]> = {
      [RUN]: ["generate", (argument) => this.candidates.ask(argument)],
      "ensemble.fixHere": ["generate", () => this.run("fix")],
      "ensemble.writeTests": ["generate", () => this.run("tests")],
      "ensemble.writeDocumentation": ["generate", () => this.run("documentation")],
      "ensemble.explainProblem": ["explain", () => this.explainProblem()],
    };
    this.registrations = vscode.Disposable.from(
      ...Object.entries(commands).map(([name, [task, run]]) =>
        vscode.commands.registerCommand(name, (argument: Generate) =>
          showErrors(async () => {
            if (await readyFor(server, task)) await run(argument);
          }),
        ),
      ),
    );
  }

  private async run(preset: Preset): Promise<void> {
    const { target } = this.editor;
    const place = preset === "fix" ? withProblems(target) : placeIn(target);
    await this.candidates.ask({ ...place, preset });
  }

  private async explainProblem(): Promise<void> {
    await this.explanations.explain(withProblems(this.editor.target));
  }

  dispose(): void {
    this.registrations.dispose();
  }
}

/** The selection as LSP's range: JSON of VS Code's own has another form. */
function placeIn({ document, selection }: vscode.TextEditor): { uri: string; range: Range } {
  const { start, end } = selection;
  return { uri: document.uri.toString(), range: { start, end } };
}

/** The problems at the selection, and the range of the first; throws without any. */
function withProblems(editor: vscode.TextEditor): {
  uri: string;
  range: Range;
  diagnostics: Diagnostic[];
} {
  const diagnostics = problemsAt(editor.document, editor.selection);
  const [first] = diagnostics;
  if (!first) throw new Error("Put the cursor on a reported problem: this place has none.");
  return { ...placeIn(editor), range: first.range, diagnostics };
}
