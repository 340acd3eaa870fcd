// Tokens and dollars of today and this month, in words.
import type { Facts } from "./protocol";
import { escaped } from "./markdown";

type Period = Facts["today"];

/** `12,300 tokens, $0.04`. */
export function spent({ inputTokens, outputTokens, cost }: Period): string {
  return `${tokens(inputTokens + outputTokens)}, ${money(cost)}`;
}

/** Today's use against the daily budget, if there is one. */
export function today({ today: used, dailyBudget }: Facts): string {
  if (dailyBudget == null) return spent(used);
  const share = dailyBudget > 0 ? ` (${Math.round((100 * used.cost) / dailyBudget)} %)` : "";
  return `${spent(used)} of ${money(dailyBudget)}${share}`;
}

/** A table of the models, for a tooltip in Markdown; empty if none was asked. */
export function usageTable({ today: now, month }: Facts): string {
  if (!month.models.length) return "";
  const cell = (period: Period, name: string): string => {
    const found = period.models.find(({ model }) => model === name);
    return found ? `${short(found.inputTokens + found.outputTokens)} · ${money(found.cost)}` : "–";
  };
  const rows = month.models
    .slice(0, 8)
    .map(({ model }) => row(escaped(model), cell(now, model), cell(month, model)));
  const head = `${row("tokens · cost", "today", "this month")}\n| :-- | --: | --: |`;
  const all = row("**all**", total(now), total(month));
  return [head, ...rows, ...(month.models.length > 1 ? [all] : [])].join("\n");
}

/** A line of the table; the tooltip adds no space between columns. */
const row = (...cells: string[]): string => `| ${cells.join(" | &emsp;")} |`;

const total = (period: Period): string =>
  `${short(period.inputTokens + period.outputTokens)} · ${money(period.cost)}`;

export const tokens = (count: number): string =>
  `${count.toLocaleString("en-US")} ${count === 1 ? "token" : "tokens"}`;

const short = (count: number): string =>
  count < 10_000
    ? count.toLocaleString("en-US")
    : count < 1_000_000
      ? `${Math.round(count / 1000)}k`
      : `${(count / 1_000_000).toFixed(1)}M`;

export const money = (usd: number): string =>
  usd === 0 ? "$0" : usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`;
