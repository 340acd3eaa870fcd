"""Read and write tables of published results for the replay of selection, in a neutral format.

One JSON object per line (``.jsonl`` or ``.jsonl.gz``), checked strictly:

    {"task": "id of the request", "order": 1, "features": {"language": "python", "complexity": 7},
     "models": {"NAME": {"reward": 0.0 to 1.0, "cost": USD or null, "latency": ms or null,
                         "prior": 0.0 to 1.0 or null, "check": true, false or null}}}

``features`` are fields of ``selection.request_context.RequestContext`` and may be empty; every line has the same
models. ``prior`` is the share of good answers expected of the model beforehand (null: the shipped table).
``check`` is whether the answer passes a check that needs no reference (it parses, the examples of the prompt
pass). ``order`` is the original position of the request; replays draw at random by default.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ensemble_lsp.selection.complexity import measure
from ensemble_lsp.selection.request_context import PLACES, RequestContext
from ensemble_lsp.types import Document

from .ensemble_set import Sample, prepare, read

GOOD = 0.999
"""Minimum reward of a right answer."""


@dataclass(frozen=True)
class Row:
    """One request, with the reward, cost and latency of each model's answer."""

    task: str
    context: RequestContext
    right: dict[str, float]
    priors: dict[str, float] = field(default_factory=dict[str, float])
    cost: dict[str, float] = field(default_factory=dict[str, float])
    latency: dict[str, float] = field(default_factory=dict[str, float])
    check: dict[str, bool] = field(default_factory=dict[str, bool])
    order: int = 0

    def json(self) -> dict[str, Any]:
        """Return the row in the neutral format."""
        shown = {k: v for k, v in self.context.to_json().items() if k != "task"}
        models = {
            name: {
                "reward": self.right[name],
                "cost": self.cost.get(name),
                "latency": self.latency.get(name),
                "prior": self.priors.get(name),
                "check": self.check.get(name),
            }
            for name in self.right
        }
        return {"task": self.task, "order": self.order, "features": shown, "models": models}


def read_table(path: Path) -> list[Row]:
    """Read the neutral format; raises ``ValueError`` with one sentence that names the invalid line."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    rows: list[Row] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = _row(json.loads(line), number)
            if rows and set(row.right) != set(rows[0].right):
                raise ValueError("names other models than line 1")
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from error
        rows.append(row)
    if len({row.task for row in rows}) != len(rows):
        raise ValueError(f"{path}: two lines have the same task; each line needs a unique task")
    if min(len(half_of(rows, half)) for half in ("tune", "test")) < _LEAST:
        raise ValueError(f"{path}: has {len(rows)} lines; a replay needs {_LEAST} in each half")
    return sorted(rows, key=lambda row: row.order)


_OPTIONAL = ("prior", "cost", "latency", "check")
_LEAST = 10
_FEATURES = {f.name: type(f.default) for f in fields(RequestContext) if f.name != "task"}


def _row(raw: Any, number: int) -> Row:
    """Read one line; raises ``ValueError`` without the line number."""
    if not isinstance(raw, dict):
        raise ValueError("is not a JSON object")
    _known(raw, ("task", "order", "features", "models"), "the line")
    task, order, models = raw.get("task"), raw.get("order", number), raw.get("models")
    if not isinstance(task, str) or not task:
        raise ValueError("task must be a text that names the request")
    if type(order) is not int:
        raise ValueError("order must be a whole number")
    if not isinstance(models, dict) or len(models) < 2:
        raise ValueError("models must name two models or more")
    for name, values in models.items():
        _model(name, values)
    given = {k: {m: v[k] for m, v in models.items() if v.get(k) is not None} for k in _OPTIONAL}
    return Row(
        task,
        RequestContext(task="generate", **_features(raw.get("features", {}))),
        {m: float(v["reward"]) for m, v in models.items()},
        *given.values(),
        order=order,
    )


def _known(raw: dict[str, Any], known: Iterable[str], what: str) -> None:
    if unknown := sorted(set(raw) - set(known)):
        raise ValueError(f"{what} has an unknown key {unknown[0]!r}; known are {', '.join(known)}")


def _model(name: str, values: Any) -> None:
    if not isinstance(values, dict):
        raise ValueError(f"model {name!r} must be an object with a reward")
    _known(values, ("reward", *_OPTIONAL), f"model {name!r}")
    if values.get("reward") is None:
        raise ValueError(f"model {name!r} has no reward")
    for key, most in (("reward", 1.0), ("prior", 1.0), ("cost", math.inf), ("latency", math.inf)):
        value = values.get(key)
        good = type(value) in (int, float) and math.isfinite(value) and 0 <= value <= most
        if value is not None and not good:
            span = "from 0 to 1" if most == 1 else "from 0"
            raise ValueError(f"{key} of model {name!r} must be a number {span}, not {value!r}")
    if not isinstance(values.get("check"), bool | None):
        raise ValueError(f"check of model {name!r} must be true, false or null")


def _features(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("features must be an object")
    _known(raw, _FEATURES, "features")
    for key, value in raw.items():
        if type(value) is not _FEATURES[key]:
            raise ValueError(f"feature {key} must be of the kind {_FEATURES[key].__name__}")
    for key, known in (("place", PLACES), ("trigger", ("automatic", "invoked"))):
        if key in raw and raw[key] not in known:
            raise ValueError(f"feature {key} must be one of {', '.join(known)}")
    return raw


def write_table(rows: Iterable[Row], path: Path) -> None:
    """Write rows in the neutral format."""
    path.write_text("".join(json.dumps(row.json()) + "\n" for row in rows), encoding="utf-8")


# -- the published results ---------------------------------------------------------------------


def editbench(folder: Path) -> list[Row]:
    """Read EDIT-Bench: 43 models × 540 edits; cost and latency from the aider leaderboard, if it has the model."""
    results = {p.stem: json.loads(p.read_text()) for p in sorted(folder.glob("*.json"))}
    questions = {
        m: {q: v for q, v in r.items() if q.startswith("question_")} for m, r in results.items()
    }
    full = {m: q for m, q in questions.items() if len(q) > 500}
    common = sorted(set.intersection(*(set(q) for q in full.values())))
    context = RequestContext("generate", "python", trigger="invoked")
    priced = aider(folder.parent / "aider-leaderboards" / "polyglot_leaderboard.yml")
    known = {m: priced[name] for m, name in _ON_AIDER.items() if m in full and name in priced}
    cost = {m: c for m, (c, _) in known.items()}
    latency = {m: ms for m, (_, ms) in known.items()}
    return [
        Row(
            q,
            context,
            {m: float(r[q]) for m, r in full.items()},
            cost=cost,
            latency=latency,
            order=n,
        )
        for n, q in enumerate(common)
    ]


_ON_AIDER = {
    "claude-3.5-sonnet": "claude-3-5-sonnet-20241022",
    "claude-3.7-sonnet": "claude-3-7-sonnet-20250219 (no thinking)",
    "claude-sonnet-4": "claude-sonnet-4-20250514 (no thinking)",
    "deepseek-r1-0528": "DeepSeek R1 (0528)",
    "gemini-2.5-pro": "gemini-2.5-pro-preview-06-05 (default think)",
    "gpt-4o": "gpt-4o-2024-11-20",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-5": "gpt-5 (medium)",
    "gpt-5-high": "gpt-5 (high)",
    "gpt-o3-mini": "o3-mini (medium)",
    "gpt-o3-mini-high": "o3-mini (high)",
    "gpt-o4-mini-high": "o4-mini (high)",
    "gpt-oss-120b": "gpt-oss-120b (high)",
    "kimi-k2-0905": "Kimi K2",
    "mistralai-codestral-2508": "Codestral 25.01",
}
"""Names of the same model, or of its nearest version, on the leaderboard."""


def aider(path: Path) -> dict[str, tuple[float, float]]:
    """Return USD and milliseconds per case of the models with a price."""
    found: dict[str, tuple[float, float]] = {}
    for entry in re.split(r"^- ", path.read_text(), flags=re.MULTILINE) if path.is_file() else ():
        fields = dict(re.findall(r"^\s*(\w+): ([^#\n]*)", entry, re.MULTILINE))
        cost, cases = float(fields.get("total_cost") or 0), int(fields.get("test_cases") or 225)
        if cost > 0 and "model" in fields:
            seconds = float(fields["seconds_per_case"])
            found[fields["model"].strip()] = (cost / cases, seconds * 1e3)
    return found


def llmrouter(folder: Path) -> list[Row]:
    """Read LLMRouter: 9 models × 6,108 prompts (questions, mathematics and code)."""
    rows: list[Row] = []
    code = re.compile(r"python function|def \w+\(|Write a function|assert ", re.IGNORECASE)
    for name in ("train", "test"):
        with gzip.open(folder / f"{name}.json.gz", "rt") as file:
            for n, raw in enumerate(json.load(file)):
                question = raw["question"]
                context = RequestContext(
                    "generate",
                    "python" if code.search(question) else "plaintext",
                    prefix_chars=len(question),
                    trigger="invoked",
                    instruction_words=len(question.split()),
                )
                rows.append(Row(f"{name}{n}", context, raw["scores"], order=len(rows)))
    return rows


_PRICES = {"GPT-4": (30.0, 60.0), "ChatGPT": (1.0, 2.0)}
"""US dollars per million tokens, as published when the answers were made (2023);"""
_OPEN_PRICE = (0.2, 0.2)
"""for the open models with 1 to 16 billion parameters, the prices of hosting services."""


def classeval(folder: Path) -> list[Row]:
    """Read single methods of ClassEval: 11 models, verdicts of the published tests.

    ``folder`` is the output of ``python -m benchmarks.ensemble_data``. The check: the answer parses and passes
    the examples in the docstring (run once in the product's sandbox; the results are kept). Costs are computed
    from the length, at four characters per token, and published prices.
    """
    path = folder / "classeval-methods.jsonl"
    prompts = {raw["task"]: raw["prompt"] for raw in read(path)}
    made = prepare(path, folder / f"trials-{path.stem}.jsonl")
    return [
        _method(task, n, prompts[task], {m: made.samples[task][m][0] for m in made.models})
        for n, task in enumerate(made.samples)
    ]


def _method(task: str, number: int, prompt: str, answers: dict[str, Sample]) -> Row:
    document = Document.from_text("file:///task.py", 1, "python", prompt)
    context = RequestContext(
        "generate",
        "python",
        complexity=measure(document).whole().cyclomatic,
        prefix_chars=len(prompt),
        trigger="invoked",
    )
    cost: dict[str, float] = {}
    for name, answer in answers.items():
        prices = _PRICES.get(name, _OPEN_PRICE)
        cost[name] = (len(prompt) * prices[0] + len(answer.text) * prices[1]) / 4e6
    return Row(
        task,
        context,
        {m: float(answer.passed) for m, answer in answers.items()},
        cost=cost,
        check={m: _checked(answer) for m, answer in answers.items()},
        order=number,
    )


def _checked(answer: Sample) -> bool:
    """Return whether the answer parses and passes the examples."""
    parses = answer.form is not None and bool(answer.text.strip())
    return parses and (answer.trial is None or answer.trial.pass_rate >= 1)


def load(data: Path | None, tables: Sequence[Path], generated: Path | None) -> dict[str, list[Row]]:
    """Return all available data sets by name."""
    sets: dict[str, list[Row]] = {p.name.split(".")[0]: read_table(p) for p in tables}
    for name, folder, reader in (
        ("EDIT-Bench", "editbench", editbench),
        ("LLMRouter", "llmrouter-9models", llmrouter),
    ):
        if data and (data / folder).is_dir():
            sets[name] = reader(data / folder)
    if generated and (generated / "classeval-methods.jsonl").is_file():
        sets["ClassEval"] = classeval(generated)
    return sets


def half_of(rows: Sequence[Row], half: str) -> list[Row]:
    """Return a fixed half, by the digest of the request's id."""
    even = half == "tune"
    return [r for r in rows if (hashlib.sha256(r.task.encode()).digest()[0] % 2 == 0) == even]
