// The requests and answers of one edit in place, and the place that follows the document's changes.
import * as vscode from "vscode";

import { joined } from "./candidates";
import type { ServerConnection } from "./connection";
import type { FormattingOptions } from "./formatting";
import { escaped } from "./markdown";
import type { Candidate, Commands, Generation, PartialAnswer, Range } from "./protocol";

type Arguments = Commands["ensemble.generate"]["arguments"];

export interface EditAnswer {
  candidate: Candidate;
  generation: Generation;
  /** The lines by which the place had moved when the answer was asked for. */
  movedBefore: number;
}

/** The answer on the screen, or as much of it as a model has written. */
export interface ShownAnswer {
  text: string;
  /** The range that it replaces, now. */
  range: vscode.Range;
  by: string;
  partial: boolean;
}

export class EditConversation {
  /** The instruction and the changes that followed it. */
  readonly requests: string[] = [];
  /** The generations to refuse if the user discards the edit. */
  readonly generations: string[] = [];
  range: vscode.Range;
  private answers: EditAnswer[] = [];
  private index = 0;
  private failed: string[] = [];
  private moved = 0;
  /** The answer that a model is writing. */
  private partial: PartialAnswer | undefined;
  private movedBefore = 0;
  private cancellation: vscode.CancellationTokenSource | undefined;
  /** The arguments of the last request, for another model's answer to it. */
  private asked: Pick<Arguments, "instruction" | "draft" | "followUp"> = {};

  constructor(
    private readonly server: ServerConnection,
    readonly document: vscode.TextDocument,
    selection: vscode.Range,
    private readonly report: (message?: string) => void,
  ) {
    this.range = new vscode.Range(selection.start, selection.end);
  }

  get current(): EditAnswer | undefined {
    return this.answers[this.index];
  }

  get shown(): ShownAnswer | undefined {
    const { current, partial } = this;
    if (partial) {
      const { text, model } = partial;
      return {
        text,
        range: this.rangeOfPartial(partial),
        by: `${model} is writing`,
        partial: true,
      };
    }
    if (this.running || !current) return undefined;
    const { text } = current.candidate;
    return { text, range: this.rangeOf(current), by: authors(current), partial: false };
  }

  get running(): boolean {
    return this.cancellation !== undefined;
  }

  get count(): number {
    return this.answers.length;
  }

  get position(): number {
    return this.index + 1;
  }

  /** The range that an answer replaces, now. */
  rangeOf({ generation, movedBefore }: EditAnswer): vscode.Range {
    return this.moveFrom(movedBefore, generation.range);
  }

  private rangeOfPartial({ range }: PartialAnswer): vscode.Range {
    return this.moveFrom(this.movedBefore, range);
  }

  private moveFrom(movedBefore: number, { start, end }: Range): vscode.Range {
    const lines = this.moved - movedBefore;
    return new vscode.Range(start.line + lines, start.character, end.line + lines, end.character);
  }

  /** Ask for the edit; with an answer on the screen, ask for a change to it. */
  async submit(text: string, formatting: FormattingOptions | undefined): Promise<void> {
    const draft = this.current?.candidate.text;
    const [instruction = ""] = this.requests;
    this.asked = draft && text ? { instruction, draft, followUp: text } : { instruction: text };
    const generation = await this.generate(formatting, text || "(the comment or docstring)");
    if (!generation) return;
    this.failed = Object.keys(generation.generation.errors);
    this.answers = answersOf(generation);
    this.index = 0;
    this.report();
  }

  /** The next answer; after the last one, that of a model that was not asked yet. */
  async another(formatting: FormattingOptions | undefined): Promise<void> {
    if (!this.answers.length) return;
    if (this.index + 1 < this.answers.length) this.index += 1;
    else {
      const model = await this.nextModel();
      if (model) this.failed.push(model); // until it has answered
      const generation = model && (await this.generate(formatting, "", model));
      if (model && !generation) return;
      if (generation) this.answers.push(...answersOf(generation));
      this.index = generation ? this.answers.length - 1 : 0;
    }
    this.report();
  }

  /** Stop the request that is running. */
  cancel(): void {
    this.cancellation?.cancel();
  }

  /** Move the place by changes of the document; false if they touch it. */
  follow(changes: readonly vscode.TextDocumentContentChangeEvent[]): boolean {
    const written = this.partial ? [this.rangeOfPartial(this.partial)] : [];
    const answers = this.answers.map((answer) => this.rangeOf(answer));
    const ranges = [this.range, ...written, ...answers];
    const first = Math.min(...ranges.map(({ start }) => start.line));
    const last = Math.max(...ranges.map(({ end }) => end.line));
    let moved = 0;
    for (const { range, text } of changes) {
      if (range.start.line > last) continue;
      if (range.end.line >= first) return false;
      moved += text.split("\n").length - 1 - (range.end.line - range.start.line);
    }
    this.moved += moved;
    const { start, end } = this.range;
    this.range = new vscode.Range(
      start.line + moved,
      start.character,
      end.line + moved,
      end.character,
    );
    return true;
  }

  private async generate(
    formatting: FormattingOptions | undefined,
    request: string,
    model?: string,
  ): Promise<Omit<EditAnswer, "candidate"> | undefined> {
    const cancellation = new vscode.CancellationTokenSource();
    this.cancellation = cancellation;
    const states = new Map<string, string>();
    let message = "Asking the models …";
    if (request) this.requests.push(request);
    this.report(message);
    const movedBefore = (this.movedBefore = this.moved);
    try {
      const argument: Arguments = {
        uri: this.document.uri.toString(),
        range: { start: this.range.start, end: this.range.end },
        apply: false,
        ...this.asked,
        ...(model ? { model } : {}),
        ...(formatting ? { formattingOptions: { ...formatting } } : {}),
      };
      const generation = await this.server.executeCommandReporting(
        "ensemble.generate",
        argument,
        cancellation.token,
        (step) => {
          const [name = "", state] = step.split(": ");
          message = state ? stateLine(states.set(name, state)) : escaped(step);
          this.report(message);
        },
        (answer) => {
          this.partial = answer;
          this.report(message);
        },
      );
      if (cancellation.token.isCancellationRequested) return undefined;
      this.generations.push(generation.id);
      return { generation, movedBefore };
    } catch (error) {
      if (cancellation.token.isCancellationRequested) return undefined;
      if (request) this.requests.pop();
      throw error;
    } finally {
      this.cancellation = undefined;
      this.partial = undefined;
    }
  }

  /** A model that neither answered nor failed. */
  private async nextModel(): Promise<string | undefined> {
    const known = new Set([
      ...this.failed,
      ...this.answers.flatMap(({ candidate }) => candidate.models),
    ]);
    const models = await this.server.executeCommand("ensemble.models", {});
    return models.find(
      ({ name, available, tasks }) => available && tasks.includes("generate") && !known.has(name),
    )?.name;
  }
}

/** The models behind an answer; of several, their number among those that answered. */
export function authors({ candidate, generation }: EditAnswer): string {
  const all = new Set(generation.candidates.flatMap(({ models }) => models)).size;
  const names = joined(candidate.models);
  return all > 1 ? `${names} (${candidate.models.length} of ${all} models)` : names;
}

const answersOf = (found: Omit<EditAnswer, "candidate">): EditAnswer[] =>
  found.generation.candidates.map((candidate) => ({ ...found, candidate }));

/** The state of each model in one line: "alpha answered, beta is writing". */
function stateLine(states: Map<string, string>): string {
  const words: Record<string, string> = { asked: "is writing", closed: "was stopped" };
  return [...states]
    .map(([name, state]) => `\`${name.replaceAll("`", "")}\` ${words[state] ?? state}`)
    .join(", ");
}
