// The dashboard's page. It creates elements and never parses markup, because names come from providers.
import { money, spent, today } from "../usage";
import { type Facts, type Model, type Stats, type Task, TASKS, type Why } from "../protocol";
import type { State } from "./state";

declare function acquireVsCodeApi(): { postMessage(message: object): void };

const code = acquireVsCodeApi();
const main = document.getElementById("main");
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 72;

type Child = Node | string;

function element(
  tag: string,
  attributes: Record<string, string>,
  ...children: Child[]
): HTMLElement {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function shape(tag: string, attributes: Record<string, string | number>): SVGElement {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
const time = (ms: number | null | undefined): string =>
  ms == null ? "–" : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
const dollars = (usd: number): string =>
  usd === 0 ? "$0" : usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`;

/** A rate as a bar, with its interval as a whisker. */
function bar(value: number, low: number, high: number, label: string): SVGElement {
  const svg = shape("svg", { width: WIDTH, height: 14, role: "img", "aria-label": label });
  svg.append(
    shape("rect", { class: "track", x: 0, y: 3, width: WIDTH, height: 8, rx: 2 }),
    shape("rect", { class: "fill", x: 0, y: 3, width: WIDTH * value, height: 8, rx: 2 }),
    shape("line", { class: "whisker", x1: WIDTH * low, x2: WIDTH * high, y1: 7, y2: 7 }),
    shape("line", { class: "whisker", x1: WIDTH * low, x2: WIDTH * low, y1: 4, y2: 10 }),
    shape("line", { class: "whisker", x1: WIDTH * high, x2: WIDTH * high, y1: 4, y2: 10 }),
  );
  return svg;
}

function table(headings: string[], rows: Child[][]): HTMLElement {
  const head = element("tr", {}, ...headings.map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell))));
  const whole = element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
  // In a narrow editor column the table scrolls instead of the page.
  return element("div", { class: "wide" }, whole);
}

/** A value with details in small print below it. */
function withDetails(value: Child, ...details: string[]): HTMLElement {
  const small = details.filter(Boolean).map((text) => element("small", {}, text));
  return element("div", { class: "cell" }, element("span", {}, value), ...small);
}

function acceptance(task: Task, stats: Stats | undefined): Child {
  if (task === "explain") return stats?.calls ? String(stats.calls) : "none yet";
  const rate = stats?.shown ? stats.acceptance : null;
  if (!stats || rate == null) return element("span", { class: "quiet" }, "none shown yet");
  const [low, high] = [stats.low ?? 0, stats.high ?? 1];
  const interval = `${Math.round(100 * low)}–${percent(high)}`;
  const label = `${percent(rate)}, 95 % interval ${interval}`;
  const rateBar = element("span", { class: "rate", title: label });
  rateBar.append(bar(rate, low, high, label), ` ${percent(rate)}`);
  return withDetails(rateBar, `${stats.accepted} of ${stats.shown} shown`, interval);
}

function cost(stats: Stats | undefined): Child {
  if (!stats?.calls) return "–";
  const failed = stats.failures ? `${stats.failures} of ${stats.calls} failed` : "";
  return withDetails(dollars(stats.cost), failed);
}

function row(model: Model, task: Task): Child[] {
  const stats = model.stats[task];
  const state = model.available ? "on" : "off";
  const name = element("span", { class: `model ${state}` }, model.name);
  const { first_p50, total_p90 } = stats?.latency ?? {};
  const whole = total_p90 == null ? "" : `full answer, p90: ${time(total_p90)}`;
  return [
    model.available ? name : withDetails(name, model.reason),
    acceptance(task, stats),
    withDetails(time(first_p50), whole),
    cost(stats),
  ];
}

const TITLES: Record<Task, string> = {
  complete: "Completions",
  explain: "Explanations",
  generate: "Generated code",
  edit: "Next edits",
};

function section(task: Task, models: Model[]): HTMLElement {
  const rows = models
    .filter((model) => model.tasks.includes(task))
    .map((model) => row(model, task));
  const headings = ["model", task === "explain" ? "calls" : "accepted", "first token", "cost"];
  const empty = element("p", { class: "quiet" }, "No model is configured for this task. ");
  empty.append(button("Set up a model", "setUp"));
  const shown = rows.length ? table(headings, rows) : empty;
  return element("section", { "data-task": task }, element("h2", {}, TITLES[task]), shown);
}

function choice(why: Why): HTMLElement {
  const rows = why.scores.map((one) => [
    one.model,
    element(
      "span",
      { class: "rate" },
      bar(one.expected, one.low, one.high, `expected ${percent(one.expected)}`),
      ` ${percent(one.expected)}`,
    ),
    time(one.latency_ms),
    dollars(one.cost),
    one.utility.toFixed(2),
    String(one.observations),
  ]);
  const headings = ["model", "expected reward", "latency", "cost", "utility", "observations"];
  const lead = element("p", {}, element("strong", {}, `${why.task}: `), why.why);
  const scores = element("details", {}, element("summary", {}, "Details"), table(headings, rows));
  return element("div", { class: "choice", "data-task": why.task }, lead, scores);
}

function button(label: string, command: string): HTMLElement {
  const node = element("button", { type: "button" }, label);
  node.addEventListener("click", () => code.postMessage({ command }));
  return node;
}

function here(state: NonNullable<State["here"]>): HTMLElement {
  const title = `Models that would be asked at ${state.file}:${state.line}`;
  return element("section", { id: "here" }, element("h2", {}, title), ...state.choices.map(choice));
}

/** Tokens and dollars of today, against the budget, and of this month, by model. */
function usage(facts: Facts): HTMLElement {
  const { today: now, month, dailyBudget } = facts;
  const lines = [`Today: ${today(facts)}`, `This month: ${spent(month)}`];
  const texts = lines.map((text) => element("p", {}, text));
  const share = dailyBudget ? Math.min(1, now.cost / dailyBudget) : undefined;
  const budget = share === undefined ? [] : [budgetBar(share, money(dailyBudget ?? 0))];
  const cell = (period: Facts["today"], name: string): Child => {
    const used = period.models.find(({ model }) => model === name);
    if (!used) return "–";
    const read = `${count(used.inputTokens)} read, ${count(used.outputTokens)} written`;
    return withDetails(money(used.cost), read);
  };
  const rows = month.models.map(({ model }) => [model, cell(now, model), cell(month, model)]);
  const by = rows.length ? [table(["model", "today", "this month"], rows)] : [];
  const heading = element("h2", {}, "Usage");
  return element("section", { id: "usage" }, heading, ...texts, ...budget, ...by);
}

const count = (tokens: number): string => tokens.toLocaleString("en-US");

function budgetBar(share: number, budget: string): HTMLElement {
  const label = `${percent(share)} of today's budget of ${budget}`;
  const svg = shape("svg", { width: 200, height: 14, role: "img", "aria-label": label });
  svg.append(
    shape("rect", { class: "track", x: 0, y: 3, width: 200, height: 8, rx: 2 }),
    shape("rect", { class: "fill", x: 0, y: 3, width: 200 * share, height: 8, rx: 2 }),
  );
  const bar = element("span", { class: "rate", title: label });
  bar.append(svg, ` ${label}`);
  return element("p", { id: "budget" }, bar);
}

/** Explain the empty tables before the first suggestion. */
function introduction(models: Model[]): HTMLElement[] {
  if (models.some((model) => TASKS.some((task) => model.stats[task]?.shown))) return [];
  const text =
    "There is no data yet. Write some code: this page counts the suggestions that you accept and " +
    "reject. The data stays on this machine.";
  return [element("p", { id: "introduction", class: "quiet" }, text)];
}

function problem({ error, missing }: State): HTMLElement {
  const buttons = missing
    ? [button("Install the server", "install")]
    : [button("Restart the server", "restart"), button("Show the log", "showLog")];
  const message = element("p", { role: "alert" }, error ?? "");
  return element("section", { id: "problem" }, message, element("nav", {}, ...buttons));
}

function header(...buttons: HTMLElement[]): HTMLElement {
  return element("header", {}, element("h1", {}, "Ensemble"), element("nav", {}, ...buttons));
}

function render(state: State): void {
  if (!main) return;
  if (state.error) {
    main.replaceChildren(header(), problem(state));
    return;
  }
  const open = new Set(
    [...main.querySelectorAll("details[open]")].map((one) => one.parentElement?.dataset["task"]),
  );
  const models = state.models ?? [];
  const buttons = [
    button("Pin a model", "pinModel"),
    button("Why this answer", "whyThis"),
    button("Report", "openReport"),
    button("Compare", "compareModels"),
  ];
  main.replaceChildren(
    header(...buttons),
    ...introduction(models),
    ...(state.here?.choices.length ? [here(state.here)] : []),
    ...(state.usage ? [usage(state.usage)] : []),
    ...TASKS.map((task) => section(task, models)),
  );
  for (const one of main.querySelectorAll("details")) {
    one.open = open.has(one.parentElement?.dataset["task"]);
  }
}

window.addEventListener("message", (event: MessageEvent<State>) => render(event.data));
code.postMessage({ command: "ready" });
