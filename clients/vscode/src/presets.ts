// Ready-made requests: fix or explain the problems at the cursor, write tests, write documentation.
// Problems are those of every extension. Answers are previewed, as those of "Generate" are.
import * as vscode from "vscode";

import type { CandidatePicker } from "./candidates";
import { showErrors } from "./connection";
import type { Explanations } from "./explanations";
import type { Diagnostic, Generate, Preset } from "./protocol";

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
    private readonly candidates: CandidatePicker,
    private readonly explanations: Explanations,
  ) {
    const commands: Record<string, (argument: Generate) => Promise<void>> = {
      [RUN]: (argument) => this.candidates.ask(argument),
      "ensemble.fixHere": () => this.run("fix"),
      "ensemble.writeTests": () => this.run("tests"),
      "ensemble.writeDocumentation": () => this.run("documentation"),
      "ensemble.explainProblem": () => this.explainProblem(),
    };
    this.registrations = vscode.Disposable.from(
      ...Object.entries(commands).map(([name, run]) =>
        vscode.commands.registerCommand(name, (argument: Generate) =>
          showErrors(() => run(argument)),
        ),
      ),
    );
  }

  private async run(preset: Preset): Promise<void> {
    const place = current();
    if (preset !== "fix") return this.candidates.ask({ ...place, preset });
    await this.candidates.ask({ ...withProblems(place), preset });
  }

  private async explainProblem(): Promise<void> {
    await this.explanations.explain(withProblems(current()));
  }

  dispose(): void {
    this.registrations.dispose();
  }
}

function current(): { uri: string; range: vscode.Range } {
  const editor = vscode.window.activeTextEditor;
  if (!editor) throw new Error("Open a file first.");
  const { start, end } = editor.selection;
  return { uri: editor.document.uri.toString(), range: new vscode.Range(start, end) };
}

/** The place with its problems; throws without any. */
function withProblems({ uri, range }: { uri: string; range: vscode.Range }): Generate & {
  diagnostics: Diagnostic[];
} {
  const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri);
  const diagnostics = document ? problemsAt(document, range) : [];
  const [first] = diagnostics;
  if (!first) throw new Error("Put the cursor on a reported problem: this place has none.");
  return { uri, range: first.range, diagnostics };
}
