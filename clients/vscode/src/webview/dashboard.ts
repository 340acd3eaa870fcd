// The dashboard's page. Everything is made as elements, never as markup: names come from providers.
import { type Model, type Stats, type Task, TASKS, type Why } from "../protocol";
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
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function shape(tag: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
const time = (ms: number | null | undefined): string =>
  ms == null ? "–" : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
const dollars = (usd: number): string =>
  usd === 0 ? "$0" : usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`;

/** A rate as a bar with its interval as a whisker. */
function bar(value: number, low: number, high: number, said: string): SVGElement {
  const svg = shape("svg", { width: WIDTH, height: 14, role: "img", "aria-label": said });
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
  // Wider than a narrow column of editors: then it scrolls, and the page does not.
  return element("div", { class: "wide" }, whole);
}

/** A value, and under it in small print what belongs to it. */
function twoLines(value: Child, ...quiet: string[]): HTMLElement {
  const small = quiet.filter(Boolean).map((text) => element("small", {}, text));
  return element("div", { class: "cell" }, element("span", {}, value), ...small);
}

function acceptance(task: Task, stats: Stats | undefined): Child {
  if (task === "explain") return stats?.calls ? `${stats.calls} ×` : "not yet";
  const rate = stats?.shown ? stats.acceptance : null;
  if (!stats || rate == null) return element("span", { class: "quiet" }, "nothing shown yet");
  const [low, high] = [stats.low ?? 0, stats.high ?? 1];
  const interval = `${Math.round(100 * low)}–${percent(high)}`;
  const said = `${percent(rate)}, with 95 % certainty ${interval}`;
  const drawn = element("span", { class: "rate", title: said });
  drawn.append(bar(rate, low, high, said), ` ${percent(rate)}`);
  return twoLines(drawn, `${stats.accepted} of ${stats.shown} shown`, interval);
}

function cost(stats: Stats | undefined): Child {
  if (!stats?.calls) return "–";
  const failed = stats.failures ? `${stats.failures} of ${stats.calls} failed` : "";
  return twoLines(dollars(stats.cost), failed);
}

function row(model: Model, task: Task): Child[] {
  const stats = model.stats[task];
  const state = model.available ? "on" : "off";
  const name = element("span", { class: `model ${state}` }, model.name);
  const { first_p50, total_p90 } = stats?.latency ?? {};
  const whole = total_p90 == null ? "" : `whole, 90 %: ${time(total_p90)}`;
  return [
    model.available ? name : twoLines(name, model.reason),
    acceptance(task, stats),
    twoLines(time(first_p50), whole),
    cost(stats),
  ];
}

const TITLES: Record<Task, string> = {
  complete: "Completions",
  explain: "Explanations",
  generate: "Generated code",
};

function section(task: Task, models: Model[]): HTMLElement {
  const rows = models
    .filter((model) => model.tasks.includes(task))
    .map((model) => row(model, task));
  const headings = ["model", task === "explain" ? "asked" : "accepted", "first words", "cost"];
  const none = element("p", { class: "quiet" }, "No model does this. ");
  none.append(button("Add a model", "newModel"));
  const shown = rows.length ? table(headings, rows) : none;
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
  const headings = ["model", "expected reward", "answer", "cost", "score", "seen"];
  const lead = element("p", {}, element("strong", {}, `${why.task}: `), why.why);
  const scores = element(
    "details",
    {},
    element("summary", {}, "All models"),
    table(headings, rows),
  );
  return element("div", { class: "choice", "data-task": why.task }, lead, scores);
}

function button(label: string, command: string): HTMLElement {
  const made = element("button", { type: "button" }, label);
  made.addEventListener("click", () => code.postMessage({ command }));
  return made;
}

function here(state: NonNullable<State["here"]>): HTMLElement {
  const place = element("h2", {}, `Whom it would ask at ${state.file}:${state.line}`);
  return element("section", { id: "here" }, place, ...state.choices.map(choice));
}

/** Before anything was shown the tables are empty: say what fills them. */
function beginning(models: Model[]): HTMLElement[] {
  if (models.some((model) => TASKS.some((task) => model.stats[task]?.shown))) return [];
  const said =
    "Nothing was counted yet. Write some code: what you take of the suggestions and what you " +
    "refuse is counted here, on this machine only.";
  return [element("p", { id: "beginning", class: "quiet" }, said)];
}

function trouble({ error, missing }: State): HTMLElement {
  const buttons = missing
    ? [button("Install the server", "install")]
    : [button("Restart the server", "restart"), button("Show the log", "showLog")];
  const said = element("p", { role: "alert" }, error ?? "");
  return element("section", { id: "trouble" }, said, element("nav", {}, ...buttons));
}

function header(...buttons: HTMLElement[]): HTMLElement {
  return element("header", {}, element("h1", {}, "Ensemble"), element("nav", {}, ...buttons));
}

function draw(state: State): void {
  if (!main) return;
  if (state.error) {
    main.replaceChildren(header(), trouble(state));
    return;
  }
  const open = new Set(
    [...main.querySelectorAll("details[open]")].map((one) => one.parentElement?.dataset["task"]),
  );
  const models = state.models ?? [];
  const buttons = [
    button("Pin a model", "pinModel"),
    button("Why the last answer", "whyThis"),
    button("Report", "openReport"),
    button("Compare", "compareModels"),
  ];
  main.replaceChildren(
    header(...buttons),
    ...beginning(models),
    ...(state.here?.choices.length ? [here(state.here)] : []),
    ...TASKS.map((task) => section(task, models)),
  );
  for (const one of main.querySelectorAll("details")) {
    one.open = open.has(one.parentElement?.dataset["task"]);
  }
}

window.addEventListener("message", (event: MessageEvent<State>) => draw(event.data));
code.postMessage({ command: "ready" });
