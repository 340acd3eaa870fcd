import assert from "node:assert/strict";
import { test } from "node:test";

import { explanationPage, whyPage } from "../src/pages";
import type { Ranked, Why } from "../src/protocol";

const RANKED: Ranked = {
  model: "gpt",
  expected: 0.42,
  low: 0.3,
  high: 0.55,
  latency_ms: 700,
  cost: 0,
  utility: 0.31,
  observations: 12,
  prior: "published results",
  first_ms: 200,
  failures: 0,
  reach: null,
  acceptance: 0.42,
  acceptance_scope: "",
  timed: true,
};
const WHY: Why = {
  why: "gpt: you accept 42 % of its suggestions here.",
  task: "complete",
  models: ["gpt"],
  agreement: null,
  explored: false,
  context: { task: "complete", language: "python", complexity: 3 },
  scores: [RANKED],
};

test("the reason comes first, the numbers are in the details", () => {
  const page = whyPage(WHY);
  const [head = "", details = ""] = page.split("<details>");
  assert.match(head, /you accept 42 %/);
  assert.equal(head.includes("0.31"), false);
  assert.match(details, /\| gpt \| 42 % \(30–55 %\) \| 700 ms \| free \| 0\.31 \| 12 \|/);
  assert.match(details, /\| complexity \| 3 \|/);
  assert.match(details, /Prior of gpt: published results/);
});

test("the agreement is shown where there is one", () => {
  assert.equal(whyPage(WHY).includes("Agreement"), false);
  assert.match(whyPage({ ...WHY, agreement: 0.67 }), /Agreement between the models: 67 %\./);
});

test("names from a provider cannot become markup", () => {
  const page = explanationPage({
    id: "1",
    markdown: "Text.",
    models: ["<img src=x>", "[a](b)|*c*"],
  });
  const names = page.split("---").at(-1) ?? "";
  assert.match(names, /\\<img src=x\\>/);
  assert.match(names, /\\\[a\\\]\\\(b\\\)\\\|\\\*c\\\*/);
});

test("the reason cannot become markup", () => {
  const why = "![x](https://evil.example/p): [run](command:x) <img src=x>";
  const [head = ""] = whyPage({ ...WHY, why }).split("<details>");
  assert.equal(head.includes("](command"), false);
  assert.match(head, /\\!\\\[x\\\]/);
  assert.match(head, /\\<img/);
});
