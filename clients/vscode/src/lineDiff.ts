// The difference of two texts by lines, as Markdown that VS Code colours.

export interface DiffLine {
  kind: "same" | "removed" | "added";
  text: string;
}

/** Above this number of compared pairs of lines, the middle is shown as one replacement. */
const MAX_PAIRS = 1_000_000;

/** The lines of both texts; removed lines come before the added ones that replace them. */
export function lineDiff(before: string[], after: string[]): DiffLine[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const same = (text: string): DiffLine => ({ kind: "same", text });
  return [
    ...before.slice(0, head).map(same),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

/**
 * The difference to a text whose rest is still to come: the old lines that it has not reached are the
 * same so far. It has reached the lines that make the smallest difference and have the most in common.
 */
export function partialDiff(before: string[], after: string[]): DiffLine[] {
  const reached = linesReached(before, after);
  const rest = before.slice(reached).map((text): DiffLine => ({ kind: "same", text }));
  return [...lineDiff(before.slice(0, reached), after), ...rest];
}

function linesReached(before: string[], after: string[]): number {
  if (before.length * after.length > MAX_PAIRS) return Math.min(before.length, after.length);
  // Reversed, the ends of both texts are their beginnings.
  const lengths = commonLengths([...before].reverse(), [...after].reverse());
  let [best, smallest, most] = [0, Infinity, 0];
  for (let count = 0; count <= before.length; count += 1) {
    const common = lengths[before.length - count]![0]!;
    const size = count + after.length - 2 * common;
    if (size > smallest || (size === smallest && common <= most)) continue;
    [best, smallest, most] = [count, size, common];
  }
  return best;
}

/** The difference by the longest common subsequence. */
function middle(before: string[], after: string[]): DiffLine[] {
  const removed = before.map((text): DiffLine => ({ kind: "removed", text }));
  const added = after.map((text): DiffLine => ({ kind: "added", text }));
  if (before.length * after.length > MAX_PAIRS) return [...removed, ...added];
  const lengths = commonLengths(before, after);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      lines.push({ kind: "same", text: before[i]! });
      i += 1;
      j += 1;
    } else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) lines.push(removed[i++]!);
    else lines.push(added[j++]!);
  }
  return [...lines, ...removed.slice(i), ...added.slice(j)];
}

/** The length of the longest common subsequence of the ends that begin at each pair of lines. */
function commonLengths(before: string[], after: string[]): number[][] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    new Array<number>(after.length + 1).fill(0),
  );
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      lengths[i]![j] =
        before[i] === after[j]
          ? lengths[i + 1]![j + 1]! + 1
          : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  return lengths;
}

const SIGNS = { same: " ", removed: "-", added: "+" };

/** A fenced block in the language `diff`; the fence is longer than any in the code. */
export function diffBlock(lines: DiffLine[]): string {
  const text = lines.map(({ kind, text }) => `${SIGNS[kind]} ${text}`.trimEnd()).join("\n");
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}diff\n${text}\n${fence}`;
}
