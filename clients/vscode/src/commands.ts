// The commands of the palette.
import * as vscode from "vscode";

import type { CandidatePicker, Entry } from "./candidates";
import { openConfig } from "./config";
import { type ServerConnection, showErrors } from "./connection";
import type { Dashboard } from "./dashboard";
import type { Explanations } from "./explanations";
import { type InlineEdits, textOf } from "./inlineEdit";
import { install } from "./install";
import type { KeyStore } from "./keys";
import type { LastEditor } from "./lastEditor";
import type { Menu } from "./menu";
import { NextEditSwitch } from "./nextEditSwitch";
import { addModel, removeModel, showModels } from "./models";
import { type Pages, whyPage } from "./pages";
import type { Model, WhyArguments } from "./protocol";
import { compareModels, openReport } from "./reports";
import { readyFor, setUpModel, storeKey, testModel } from "./setup";
import type { Suggestions } from "./suggestions";
import {
  chooseLanguages,
  snooze,
  SNOOZE_MINUTES,
  toggleEverywhere,
  toggleLanguage,
} from "./switches";
import type { ModelsView } from "./views";

export interface Components {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  server: ServerConnection;
  keys: KeyStore;
  pages: Pages;
  explanations: Explanations;
  suggestions: Suggestions;
  candidates: CandidatePicker;
  edits: InlineEdits;
  dashboard: Dashboard;
  editor: LastEditor;
  menu: Menu;
  modelsView: ModelsView;
}

export function registerCommands(components: Components): void {
  const { context, log, server, keys, pages, suggestions, candidates, dashboard } = components;
  const { explanations, edits, editor, menu, modelsView } = components;
  const nextEdits = new NextEditSwitch(context.globalState);
  const restart = (): Promise<void> => server.restart();
  const commands: Record<string, (argument?: never) => unknown> = {
    menu: () => {
      suggestions.blurred();
      return menu.show();
    },
    restart,
    showLog: () => log.show(),
    openSettings: () => open("workbench.action.openSettings", "@ext:ensemble-lsp.ensemble-lsp"),
    openWalkthrough: () =>
      open("workbench.action.openWalkthrough", "ensemble-lsp.ensemble-lsp#ensemble.start"),
    install: async () => {
      if (await install(context, log)) await restart();
    },
    dashboard: () => dashboard.show(),
    generateHere: async () => {
      if (await readyFor(server, "generate")) await candidates.generate(editor.target);
    },
    generateAt: async (place?: { document: vscode.TextDocument; range: vscode.Range }) => {
      if (!place || !(await readyFor(server, "generate"))) return;
      await candidates.generateAt(place.document, place.range, "");
    },
    editHere: async () => {
      if (!(await readyFor(server, "generate"))) return;
      const { target } = editor;
      // VS Code draws no comments in the cells of notebooks, so no box either.
      const cell = target.document.uri.scheme === "vscode-notebook-cell";
      await (cell ? candidates.generate(target) : edits.start(target));
    },
    submitEdit: (comment?: vscode.Comment) => edits.submit(textOf(comment)),
    acceptEdit: () => edits.accept(),
    discardEdit: () => edits.discard(),
    anotherEdit: () => edits.another(),
    showCandidates: () => candidates.choose(),
    previewCandidate: (entry?: Entry) => entry && candidates.show(entry),
    useCandidate: (entry?: Entry) => entry && candidates.use(entry),
    explainHere: async () => {
      if (await readyFor(server, "explain")) await explanations.explainSelection(editor.target);
    },
    explainWithModel: () => explanations.explainWithModel(),
    askAboutExplanation: () => explanations.askOn(),
    explanationHelpful: (id?: string) => explanations.judge(true, idOf(id)),
    explanationNotHelpful: (id?: string) => explanations.judge(false, idOf(id)),
    whyThis: () => showWhy(server, pages, editor, suggestions.latest),
    take: () => suggestions.accept(),
    dismiss: () => suggestions.reject(),
    showModels: () => showModels(server),
    pinModel: () => menu.chooseTask(),
    openConfig: () => openConfig(server),
    newModel: () => addModel(server),
    dropModel: (model?: Model) => removeModel(server, model?.name),
    openReport: () => openReport(server, pages),
    compareModels: () => compareModels(server, pages),
    setUp: () => setUpModel(server, keys),
    tryModel: (model?: string | Model) => {
      const name = typeof model === "string" ? model : model?.name;
      return name ? testModel(server, name) : showModels(server);
    },
    storeKey: (variable?: string | Model) =>
      storeKey(
        server,
        keys,
        (typeof variable === "string" ? variable : variable?.keyVariable) ?? undefined,
      ),
    removeKey: async (variable?: string) => {
      if (await keys.promptAndRemove(typeof variable === "string" ? variable : undefined)) {
        await restart();
      }
    },
    refreshModels: () => modelsView.refresh(),
    toggle: () => toggleEverywhere(nextEdits),
    toggleLanguage: () => toggleLanguage(editor, nextEdits),
    chooseLanguages: () => chooseLanguages(editor, nextEdits),
    snoozeForMinutes: () => snooze(server, SNOOZE_MINUTES),
    snoozeUntilRestart: () => snooze(server),
    endSnooze: () => snooze(server, 0),
  };
  for (const [name, run] of Object.entries(commands)) {
    const handler = (argument?: never): Promise<unknown> =>
      showErrors(() => Promise.resolve().then(() => run(argument)));
    const registered = vscode.commands.registerCommand(`ensemble.${name}`, handler);
    context.subscriptions.push(registered);
  }
}

const open = (command: string, argument: string): Thenable<unknown> =>
  vscode.commands.executeCommand(command, argument);

/** A link passes the id of its explanation; a button in the title passes something else. */
const idOf = (argument: unknown): string | undefined =>
  typeof argument === "string" ? argument : undefined;

async function showWhy(
  server: ServerConnection,
  pages: Pages,
  editor: LastEditor,
  id: string | undefined,
): Promise<void> {
  // A server that was restarted does not remember the suggestion.
  const answer = id && (await server.executeCommand("ensemble.why", { id }).catch(() => undefined));
  if (answer) {
    await pages.show("Why this answer", whyPage(answer));
    return;
  }
  const choice = await server.executeCommand("ensemble.why", atCursor(editor.current));
  await pages.show("Models that would be asked", whyPage(choice));
}

/** Before the first suggestion: ask which models a completion at the cursor would use. */
function atCursor(editor: vscode.TextEditor | undefined): WhyArguments {
  if (!editor) {
    throw new Error("There is no answer yet. Open a file to see which models would be asked.");
  }
  const uri = editor.document.uri.toString();
  return { uri, position: editor.selection.active, task: "complete" };
}
