// What the editor draws for a predicted edit: removed text, added text, and a block of added lines.
// VS Code's stable API draws text only at the end of a line or between characters, so added lines are
// drawn as a block on the right of the code, one row at the end of each line.
import type { Range } from "./protocol";
import { commonEnds, type Place, type Replacement } from "./nextEditText";

const MAX_ROWS = 16;
const MAX_TOKENS = 300;
/** A line with more changes than this is drawn as a whole. */
const MAX_CHANGES_IN_LINE = 2;
/** Columns between the code and the block, and the last column at which a block begins. */
const GAP = 4;
const MAX_COLUMN = 100;

/** Text that is drawn before a position. */
export interface Added {
  at: Place;
  text: string;
}

/** One row of the block: drawn at the end of a line, `gap` columns after its text. */
export interface Row {
  line: number;
  gap: number;
  text: string;
}

export interface Layout {
  /** Characters that the edit removes. */
  removed: Range[];
  /** The first and last of the lines that the edit removes or rewrites. */
  removedLines?: [first: number, last: number];
  added: Added[];
  rows: Row[];
  /** Added lines go above this line; the line count of the document stands for its end. */
  insertion?: number;
}

/** The part of a document that a layout needs. */
export interface Lines {
  count: number;
  tabSize: number;
  at(line: number): string;
}

interface LineDiff {
  first: number;
  old: string[];
  new: string[];
}

export function layout(edit: Replacement, lines: Lines): Layout {
  const diff = lineDiff(edit, lines);
  const inLine = diff.old.length === diff.new.length ? inLines(diff) : undefined;
  if (inLine) return inLine;
  const last = diff.first + diff.old.length - 1;
  return {
    removed: diff.old.map((text, index) => wholeLine(diff.first + index, text)),
    ...(diff.old.length ? { removedLines: [diff.first, last] as [number, number] } : {}),
    added: [],
    rows: rows(diff, lines),
    ...(diff.old.length ? {} : { insertion: diff.first }),
  };
}

/** The lines that differ; either list may be empty. */
function lineDiff({ range, text }: Replacement, lines: Lines): LineDiff {
  const { start, end } = range;
  const old: string[] = [];
  for (let line = start.line; line <= end.line; line += 1) old.push(lines.at(line));
  const head = lines.at(start.line).slice(0, start.character);
  const replaced = (head + text + lines.at(end.line).slice(end.character)).split(/\r?\n/);
  let same = 0;
  const most = (): number => Math.min(old.length, replaced.length) - same;
  while (most() > 0 && old[same] === replaced[same]) same += 1;
  let tail = 0;
  while (most() > tail && old.at(-1 - tail) === replaced.at(-1 - tail)) tail += 1;
  return {
    first: start.line + same,
    old: old.slice(same, old.length - tail),
    new: replaced.slice(same, replaced.length - tail),
  };
}

/** A line's text without its indentation. */
const wholeLine = (line: number, text: string): Range => ({
  start: { line, character: text.search(/\S|$/) },
  end: { line, character: text.length },
});

// -- changes within lines --------------------------------------------------------------------------

/** Draw each line's changes between its characters; undefined if a line has too many. */
function inLines(diff: LineDiff): Layout | undefined {
  const result: Layout = { removed: [], added: [], rows: [] };
  for (const [index, old] of diff.old.entries()) {
    const changes = changesInLine(old, diff.new[index]!);
    if (!changes || changes.length > MAX_CHANGES_IN_LINE) return undefined;
    const line = diff.first + index;
    for (const { start, end, text } of changes) {
      const range = { start: { line, character: start }, end: { line, character: end } };
      if (end > start) result.removed.push(range);
      if (text) result.added.push({ at: range.end, text });
    }
  }
  return result;
}

interface ChangeInLine {
  start: number;
  end: number;
  text: string;
}

/** The changes between two lines by words; undefined if the lines share too little. */
function changesInLine(old: string, line: string): ChangeInLine[] | undefined {
  const [head, tail] = commonEnds(old, line);
  if (head + tail === Math.min(old.length, line.length)) {
    return [{ start: head, end: old.length - tail, text: line.slice(head, line.length - tail) }];
  }
  const [one, other] = [tokens(old), tokens(line)];
  if (one.length > MAX_TOKENS || other.length > MAX_TOKENS) return undefined;
  const steps = [...aligned(one, other)];
  const kept = steps.filter(isKept).reduce((sum, { gone }) => sum + gone.trim().length, 0);
  return kept * 4 < old.trim().length ? undefined : merged(steps).map((step) => trimmed(step, old));
}

/** Consecutive changes as one. White space between two changes does not separate them. */
function merged(steps: Step[]): ChangeInLine[] {
  const changes: ChangeInLine[] = [];
  let at = 0;
  let open: ChangeInLine | undefined;
  for (const step of steps) {
    if (isKept(step) && (!open || step.gone.trim())) open = undefined;
    else {
      if (!open) changes.push((open = { start: at, end: at, text: "" }));
      open.end = at + step.gone.length;
      open.text += step.added;
    }
    at += step.gone.length;
  }
  return changes;
}

/** A change without the white space that it leaves alone at both ends. */
function trimmed({ start, end, text }: ChangeInLine, old: string): ChangeInLine {
  const gone = old.slice(start, end);
  const before = commonSpace(/^\s*/, gone, text);
  const after = commonSpace(/\s*$/, gone.slice(before), text.slice(before));
  return { start: start + before, end: end - after, text: text.slice(before, text.length - after) };
}

function commonSpace(pattern: RegExp, one: string, other: string): number {
  const found = pattern.exec(one)![0];
  return found === pattern.exec(other)![0] ? found.length : 0;
}

const tokens = (text: string): string[] =>
  text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];

/** A token on both sides, or on one of them. */
interface Step {
  gone: string;
  added: string;
}

const isKept = ({ gone, added }: Step): boolean => gone === added;

/** Align two lists of tokens by a longest common subsequence. */
function* aligned(one: string[], other: string[]): Generator<Step> {
  const lengths = commonLengths(one, other);
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    if (i < one.length && one[i] === other[j]) {
      yield { gone: one[i++]!, added: other[j++]! };
    } else if (
      j >= other.length ||
      (i < one.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)
    ) {
      yield { gone: one[i++]!, added: "" };
    } else {
      yield { gone: "", added: other[j++]! };
    }
  }
}

function commonLengths(one: string[], other: string[]): number[][] {
  const lengths = one.map(() => new Array<number>(other.length + 1).fill(0));
  lengths.push(new Array<number>(other.length + 1).fill(0));
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      const [row, below] = [lengths[i]!, lengths[i + 1]!];
      row[j] = one[i] === other[j] ? below[j + 1]! + 1 : Math.max(below[j]!, row[j + 1]!);
    }
  }
  return lengths;
}

// -- a block of lines ------------------------------------------------------------------------------

/** The rows of the block with the new lines. They begin at the edit, if the file has enough lines. */
function rows(diff: LineDiff, lines: Lines): Row[] {
  const texts = shortened(dedented(diff), Math.min(MAX_ROWS, lines.count)).map((text) =>
    expanded(text, lines.tabSize),
  );
  const width = Math.max(0, ...texts.map((text) => text.length));
  const first = Math.max(0, Math.min(diff.first, lines.count - texts.length));
  const beside = Math.max(texts.length, diff.first + diff.old.length - first);
  const widths = Array.from(
    { length: Math.min(beside, lines.count - first) },
    (_, index) => expanded(lines.at(first + index), lines.tabSize).length,
  );
  const column = Math.min(MAX_COLUMN, Math.max(...widths) + GAP);
  return texts.map((text, index) => ({
    line: first + index,
    gap: Math.max(GAP, column - widths[index]!),
    text: text.padEnd(width),
  }));
}

/** The new lines without the indentation that all of them share with all old ones. */
function dedented({ old, new: lines }: LineDiff): string[] {
  const indents = lines.filter((line) => line.trim()).map((line) => /^\s*/.exec(line)![0]);
  const least = indents.reduce(
    (one, other) => (other.length < one.length ? other : one),
    indents[0] ?? "",
  );
  const shared = [...lines, ...old].every((line) => !line.trim() || line.startsWith(least));
  return shared ? lines.map((line) => line.slice(least.length)) : lines;
}

function shortened(lines: string[], most: number): string[] {
  if (lines.length <= most) return lines;
  const shown = lines.slice(0, most - 1);
  return [...shown, `… ${lines.length - shown.length} more lines`];
}

function expanded(text: string, tabSize: number): string {
  let result = "";
  for (const character of text) {
    result += character === "\t" ? " ".repeat(tabSize - (result.length % tabSize)) : character;
  }
  return result;
}
