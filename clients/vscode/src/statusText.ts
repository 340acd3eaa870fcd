// The text, the icon and the tooltip of the status bar item, from what is true now.
import type { Phase } from "./connection";
import { clock, duration } from "./duration";
import { escaped } from "./markdown";
import { describe, type Fix, linkTo } from "./problems";
import type { Facts, Status } from "./protocol";
import { spent, today, usageTable } from "./usage";

export interface View {
  phase: Phase;
  /** The reason of the phase. */
  reason: string;
  status: Status;
  /** The last failure, until a model answers. */
  failure?: { problem: Status["problem"] | undefined; message: string | undefined } | undefined;
  /** The models of the ghost text on the screen. */
  shown: readonly string[];
  /** The last answer that a model gave. */
  last: Pick<Status, "task" | "model" | "latencyMs">;
  facts: Facts | undefined;
  /** Whether there is nothing but the model that needs no set-up. */
  needsSetUp: boolean;
  language: string | undefined;
  /** Whether completions are on everywhere, and for the language. */
  on: { everywhere: boolean; here: boolean };
}

export interface Appearance {
  icon: string;
  text: string;
  warning?: boolean;
}

export function appearance(view: View): Appearance {
  const { phase, status, shown } = view;
  if (phase === "starting") return { icon: "loading~spin", text: "starting" };
  if (phase === "missing") return { icon: "cloud-download", text: "install", warning: true };
  if (phase === "failed") return { icon: "error", text: "stopped", warning: true };
  if (shown.length) return { icon: view.failure ? "warning" : "sparkle", text: shownText(view) };
  const off = offText(view);
  if (off) return off;
  if (status.state === "busy") return { icon: "loading~spin", text: status.model ?? "working" };
  return attention(view) ?? idle(view);
}

/** The models of the ghost text. Of several, VS Code does not say which one the user has cycled to. */
function shownText({ shown, last }: View): string {
  const [only, ...others] = shown;
  if (others.length) return `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}`;
  const known = last.task === "complete" && last.model === only ? last.latencyMs : undefined;
  return known === undefined ? `${only}` : `${only} ${duration(known)}`;
}

function offText({ status, on, language }: View): Appearance | undefined {
  if (!on.everywhere) return { icon: "circle-slash", text: "off" };
  if (!on.here) return { icon: "circle-slash", text: `off for ${language}` };
  if (!status.snoozed) return undefined;
  const until = status.snoozedUntil;
  return { icon: "bell-slash", text: until ? `snoozed until ${clock(until)}` : "snoozed" };
}

function attention({ failure, facts }: View): Appearance | undefined {
  if (failure) {
    const { icon, text } = describe(failure.problem);
    return { icon, text, warning: true };
  }
  if (facts?.issues.length) return { icon: "warning", text: "check settings", warning: true };
  return undefined;
}

function idle({ facts }: View): Appearance {
  const pinned = facts?.pins.complete;
  return pinned ? { icon: "pinned", text: pinned } : { icon: "sparkle", text: "ready" };
}

/** The tooltip in Markdown. `trusted` lists the commands that its links run. */
export function tooltip(view: View): { markdown: string; trusted: string[] } {
  const links = fixes(view);
  const line = links.map(linkTo);
  const parts = [headline(view), ...hint(view), ...problems(view), ...pins(view), ...usage(view)];
  return {
    markdown: [...parts, line.join(" · ")].filter(Boolean).join("\n\n"),
    trusted: links.map(({ command }) => command),
  };
}

function headline(view: View): string {
  const { phase, reason, shown, last, status } = view;
  if (phase !== "ready") return `**Ensemble** · ${escaped(reason || phase)}`;
  const seen = shown.length ? `On the screen: ${shown.map(escaped).join(" or ")}` : "";
  const latency = last.latencyMs === undefined ? "" : `, ${duration(last.latencyMs)}`;
  const before = last.model
    ? `Last answer (${last.task ?? "?"}): ${escaped(last.model)}${latency}`
    : "";
  const rate = status.acceptRate;
  const accepted =
    rate === undefined ? "" : `You accept ${Math.round(100 * rate)} % of suggestions.`;
  const lines = [`**Ensemble** · ${completions(view)}`, seen, before, accepted];
  return lines.filter(Boolean).join("  \n");
}

function hint({ phase, needsSetUp }: View): string[] {
  if (phase !== "ready" || !needsSetUp) return [];
  return [
    "Completions repeat your own code. Set up a model to complete, explain and generate new code.",
  ];
}

/** Whether completions are on, as a clause. */
function completions({ on, language, status }: View): string {
  if (!on.everywhere) return "completions are off everywhere";
  if (!on.here) return `completions are off for ${language}`;
  if (!status.snoozed) return "completions are on";
  const until = status.snoozedUntil;
  return `completions are snoozed until ${until ? clock(until) : "the server restarts"}`;
}

function problems({ failure, facts, phase }: View): string[] {
  if (phase !== "ready") return [];
  const failed = failure?.message ? [`$(warning) ${escaped(failure.message)}`] : [];
  const issues = facts?.issues ?? [];
  return [...failed, ...issues.slice(0, 3).map((issue) => `$(warning) ${escaped(issue)}`)];
}

function pins({ facts }: View): string[] {
  const pinned = Object.entries(facts?.pins ?? {});
  if (!pinned.length) return [];
  return [`$(pinned) ${pinned.map(([task, name]) => `${task}: ${escaped(name)}`).join(" · ")}`];
}

function usage({ facts }: View): string[] {
  if (!facts) return [];
  const table = usageTable(facts);
  return [`Today: ${today(facts)}  \nThis month: ${spent(facts.month)}`, table];
}

const command = (label: string, name: string): Fix => ({ label, command: `ensemble.${name}` });

/** The links below the tooltip: the fix of a problem first, then the switches. */
function fixes(view: View): Fix[] {
  const { phase, failure, facts, needsSetUp } = view;
  if (phase === "starting") return [command("Show the log", "showLog")];
  if (phase === "missing") return [command("Install the server", "install")];
  if (phase === "failed")
    return [command("Restart", "restart"), command("Show the log", "showLog")];
  if (failure) return [...describe(failure.problem).fixes, ...switches(view)];
  const config = [
    command("Open config.toml", "openConfig"),
    command("Open Settings", "openSettings"),
  ];
  const setUp = needsSetUp ? [command("Set up a model", "setUp")] : [];
  return [...(facts?.issues.length ? config : []), ...setUp, ...switches(view)];
}

function switches({ on, language, status }: View): Fix[] {
  if (!on.everywhere) return [command("Turn on", "toggle")];
  const here = language
    ? [command(`Turn ${on.here ? "off" : "on"} for ${language}`, "toggleLanguage")]
    : [];
  const snooze = status.snoozed
    ? command("End the snooze", "endSnooze")
    : command("Snooze for 5 minutes", "snoozeForMinutes");
  return [command("Turn off", "toggle"), ...here, snooze];
}
