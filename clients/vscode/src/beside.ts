// The column for pages and panels: beside the code, never a third column.
import * as vscode from "vscode";

/** The column beside the code's column, if there is one already; else a new one beside it. */
export function columnBeside(code: vscode.ViewColumn | undefined): vscode.ViewColumn {
  const columns = vscode.window.tabGroups.all.map((group) => group.viewColumn);
  const others = columns.filter((column) => column !== (code ?? vscode.ViewColumn.One));
  return others.at(-1) ?? vscode.ViewColumn.Beside;
}
