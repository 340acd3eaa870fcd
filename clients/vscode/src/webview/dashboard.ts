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
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function acceptance(stats: Stats | undefined): Child {
  if (!stats?.shown || stats.acceptance == null) return "not shown yet";
  const { acceptance: rate, low, high } = stats;
  const said = `${percent(rate)} (${Math.round(100 * (low ?? 0))}–${percent(high ?? 1)})`;
  return element(
    "span",
    { class: "rate", title: said },
    bar(rate, low ?? 0, high ?? 1, said),
    ` ${said}`,
  );
}

function row(model: Model, task: Task): Child[] {
  const stats = model.stats[task];
  const state = model.available ? "on" : "off";
  const name = element("span", { class: `model ${state}`, title: model.reason }, model.name);
  // The first token's median, and the whole answer's 90th percentile.
  const latency = `${time(stats?.latency.first_p50)} / ${time(stats?.latency.total_p90)}`;
  const counted = stats ? `${stats.accepted} of ${stats.shown}` : "–";
  const spent = stats ? dollars(stats.cost) : "–";
  return [name, acceptance(stats), counted, latency, spent];
}

function section(task: Task, models: Model[]): HTMLElement {
  const rows = models
    .filter((model) => model.tasks.includes(task))
    .map((model) => row(model, task));
  const headings = ["model", "accepted (95 %)", "shown", "first / whole", "cost"];
  const shown = rows.length ? table(headings, rows) : element("p", { class: "quiet" }, "No model.");
  return element("section", { "data-task": task }, element("h2", {}, task), shown);
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
  const headings = ["model", "expected reward, 90 %", "answer", "cost", "score", "seen"];
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

function draw(state: State): void {
  if (!main) return;
  if (state.error) {
    main.replaceChildren(element("p", { class: "quiet", role: "alert" }, state.error));
    return;
  }
  const open = new Set(
    [...main.querySelectorAll("details[open]")].map((one) => one.parentElement?.dataset["task"]),
  );
  const models = state.models ?? [];
  const buttons = [button("Pin a model", "pin"), button("Why the last answer", "why")];
  main.replaceChildren(
    element("header", {}, element("h1", {}, "Ensemble"), element("nav", {}, ...buttons)),
    ...(state.here?.choices.length ? [here(state.here)] : []),
    ...TASKS.map((task) => section(task, models)),
  );
  for (const one of main.querySelectorAll("details")) {
    one.open = open.has(one.parentElement?.dataset["task"]);
  }
}

window.addEventListener("message", (event: MessageEvent<State>) => draw(event.data));
code.postMessage({ command: "ready" });
