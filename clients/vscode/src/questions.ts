// Questions of the server. A question with "Cancel" among its answers waits for a decision of the
// user's, so it is a dialogue: VS Code hides a notification after a few seconds.
import * as vscode from "vscode";
import {
  type MessageActionItem,
  MessageType,
  type ShowMessageRequestParams,
} from "vscode-languageclient/node";

type Answer = MessageActionItem | undefined;

/** Answer window/showMessageRequest. */
export async function ask({ type, message, actions }: ShowMessageRequestParams): Promise<Answer> {
  const items = actions ?? [];
  if (items.some(({ title }) => title === "Cancel")) return askModally(message, items);
  if (type === MessageType.Error) return vscode.window.showErrorMessage(message, ...items);
  if (type === MessageType.Warning) return vscode.window.showWarningMessage(message, ...items);
  return vscode.window.showInformationMessage(message, ...items);
}

async function askModally(message: string, items: MessageActionItem[]): Promise<Answer> {
  const choices = items.map(({ title }) => ({ title, isCloseAffordance: title === "Cancel" }));
  const chosen = await vscode.window.showWarningMessage(message, { modal: true }, ...choices);
  return chosen && { title: chosen.title };
}
