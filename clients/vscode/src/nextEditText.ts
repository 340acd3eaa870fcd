// The text of a predicted edit: cut to the smallest edit, moved over typed text, shown as ghost text.
// Pure functions; positions count UTF-16 units, as in VS Code and LSP.
import type { Range } from "./protocol";

export type Place = Range["start"];

/** A replacement of `removed`, the document's text in `range`, by `text`. */
export interface Replacement {
  range: Range;
  removed: string;
  text: string;
}

/** One change of a document, as VS Code reports it. */
export interface Change {
  range: Range;
  text: string;
}

/** Text from the cursor to a column of its line that replaces what is there. */
export interface GhostText {
  text: string;
  endCharacter: number;
}

const isBefore = (one: Place, other: Place): boolean =>
  one.line < other.line || (one.line === other.line && one.character < other.character);

export const samePlace = (one: Place, other: Place): boolean =>
  one.line === other.line && one.character === other.character;

const isEmpty = ({ start, end }: Range): boolean => samePlace(start, end);

/** The position after a text that begins at a position. */
export function advance(start: Place, text: string): Place {
  const lines = text.split("\n");
  const last = lines.at(-1)!.length;
  return lines.length === 1
    ? { line: start.line, character: start.character + last }
    : { line: start.line + lines.length - 1, character: last };
}

/** The offset of a position in a text that begins at `start`. */
function offsetIn(text: string, start: Place, place: Place): number {
  if (place.line === start.line) return place.character - start.character;
  const before = text.split("\n").slice(0, place.line - start.line);
  return before.reduce((sum, line) => sum + line.length + 1, 0) + place.character;
}

/** The lengths of the common start and end of two texts, which overlap in neither. */
export function commonEnds(one: string, other: string): [head: number, tail: number] {
  const most = Math.min(one.length, other.length);
  let head = 0;
  while (head < most && one[head] === other[head]) head += 1;
  if (splits(one, head) || splits(other, head)) head -= 1;
  let tail = 0;
  while (tail < most - head && one.at(-1 - tail) === other.at(-1 - tail)) tail += 1;
  if (splits(one, one.length - tail) || splits(other, other.length - tail)) tail -= 1;
  return [head, Math.max(0, tail)];
}

/** Whether an offset is inside a surrogate pair or a line end of two characters. */
function splits(text: string, at: number): boolean {
  return at > 0 && /^(?:[\ud800-\udbff][\udc00-\udfff]|\r\n)$/.test(text.slice(at - 1, at + 1));
}

/** The same edit without the text that it leaves alone at both ends. */
export function smallest({ range, removed, text }: Replacement): Replacement {
  const [head, tail] = commonEnds(removed, text);
  const start = advance(range.start, removed.slice(0, head));
  const less = removed.slice(head, removed.length - tail);
  return {
    range: { start, end: advance(start, less) },
    removed: less,
    text: text.slice(head, text.length - tail),
  };
}

/**
 * The rest of an edit after the user typed part of it; "done" if all of it is there. Undefined after
 * any other change, including one elsewhere.
 */
export function rebase(edit: Replacement, change: Change): Replacement | "done" | undefined {
  const { range, removed, text } = edit;
  if (isBefore(change.range.start, range.start) || isBefore(range.end, change.range.end)) {
    return undefined;
  }
  const head = removed.slice(0, offsetIn(removed, range.start, change.range.start));
  const tail = removed.slice(offsetIn(removed, range.start, change.range.end));
  const typed = change.text.replace(/\r\n/g, text.includes("\r\n") ? "\r\n" : "\n");
  if (!leadsTo(text, head, typed, removed.slice(head.length, -tail.length || undefined), tail)) {
    return undefined;
  }
  const now = head + typed + tail;
  if (now === text) return "done";
  return smallest({
    range: { start: range.start, end: advance(range.start, now) },
    removed: now,
    text,
  });
}

/** Whether `head + typed + tail`, before it `head + gone + tail`, is on the way to a text. */
function leadsTo(text: string, head: string, typed: string, gone: string, tail: string): boolean {
  if (!typed) return gone !== "" && !text.includes(gone);
  if (text.startsWith(head + typed) || (text.endsWith(typed + tail) && typed.length > 1))
    return true;
  if (head.length + typed.length + tail.length > text.length) return false;
  // The editor closes a bracket that the user opens.
  return Array.from(typed).some(
    (_, cut) =>
      cut > 0 &&
      text.startsWith(head + typed.slice(0, cut)) &&
      text.endsWith(typed.slice(cut) + tail),
  );
}

/**
 * An edit as ghost text at the cursor; undefined if it does not only add there. It may add characters
 * on the cursor's line, not before the cursor, or lines after that line with the cursor at its end.
 */
export function ghostText(edit: Replacement, line: string, cursor: Place): GhostText | undefined {
  const { range, text } = edit;
  if (isEmpty(range) && range.start.line === cursor.line + 1 && range.start.character === 0) {
    const ending = /\r?\n$/.exec(text)?.[0];
    if (!ending || cursor.character < line.length) return undefined;
    return { text: ending + text.slice(0, -ending.length), endCharacter: cursor.character };
  }
  if (range.start.line !== cursor.line || range.end.line !== cursor.line) return undefined;
  return ghostOnLine(edit, line, cursor.character);
}

function ghostOnLine(
  { range, text }: Replacement,
  line: string,
  at: number,
): GhostText | undefined {
  const [start, end] = [range.start.character, range.end.character];
  const [first, last] = [Math.min(start, at), Math.max(end, at)];
  const before = line.slice(first, at);
  const after = line.slice(first, start) + text + line.slice(end, last);
  if (!after.startsWith(before)) return undefined;
  const [rest, added] = [line.slice(at, last), after.slice(before.length)];
  if (rest === added || (added.includes("\n") && at < line.length)) return undefined;
  return isSubsequence(rest, added) ? { text: added, endCharacter: last } : undefined;
}

function isSubsequence(part: string, whole: string): boolean {
  let at = 0;
  for (const character of whole) if (part.startsWith(character, at)) at += character.length;
  return at === part.length;
}

/** Where the cursor goes to apply an edit: if the edit only adds, where it can be ghost text. */
export function jumpTarget({ range, text }: Replacement, lineAt: (line: number) => string): Place {
  const { line, character } = range.start;
  const addsLines = isEmpty(range) && character === 0 && line > 0 && text.endsWith("\n");
  return addsLines ? { line: line - 1, character: lineAt(line - 1).length } : range.start;
}

/** Whether the cursor is on a line of the edit, so that the edit needs no jump. */
export function isAtEdit(edit: Replacement, cursor: Place): boolean {
  const { start, end } = edit.range;
  const wholeLines = end.character === 0 && start.character === 0 && edit.text.endsWith("\n");
  const first = wholeLines && isEmpty(edit.range) ? start.line - 1 : start.line;
  const ends = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return first <= cursor.line && cursor.line <= ends;
}
