// Code actions: "Generate with ensemble" previews its answers, as the command does.
import * as vscode from "vscode";

const GENERATE = "ensemble.generateAt";

/** Let the actions that generate code run the command with the preview, instead of editing at once. */
export function previewed(
  actions: (vscode.CodeAction | vscode.Command)[] | null | undefined,
  document: vscode.TextDocument,
  range: vscode.Range,
): (vscode.CodeAction | vscode.Command)[] | null | undefined {
  for (const action of actions ?? []) {
    const item = action as vscode.CodeAction & { data?: { task?: string } };
    if (item.data?.task !== "generate") continue;
    const place = { document, range: new vscode.Range(range.start, range.end) };
    item.command = { title: item.title, command: GENERATE, arguments: [place] };
    delete item.data;
  }
  return actions;
}

/** Whether an action runs the preview: there is nothing that the server could add to it. */
export const isPreviewed = ({ command }: vscode.CodeAction): boolean =>
  command?.command === GENERATE;
