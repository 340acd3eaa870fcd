"""The answers that real services gave to next-edit scenarios, through the product's parsers and gate.

``python -m benchmarks.next_edit_recorded [FOLDER]``; FOLDER (or ``ENSEMBLE_LSP_BENCH_DATA/next-edit``, or
``../shared/data/next-edit``) has ``scenarios/NN-name.txtar`` and ``scenarios/NN-name/SERVICE.ndjson`` as
cursortab.nvim publishes them. Each scenario's first recorded answer is read against the region that was in
its prompt. Prints a table by service, and saves it as JSON. ``prompts`` counts the recorded prompts that the
product's own rendering equals. The product does not ask models that only fill in the middle (marked
``fim``): their answers are cleaned and inserted as completions are.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ensemble_lsp.next_edit.edit import PredictedEdit
from ensemble_lsp.next_edit.edit_history import Hunk
from ensemble_lsp.next_edit.families import family_of
from ensemble_lsp.next_edit.gate import Gate, Moment
from ensemble_lsp.next_edit.metrics import EditCase, EditScores, scores
from ensemble_lsp.next_edit.parsing import predicted_edit
from ensemble_lsp.next_edit.prompting import EditPrompt, EditRequest, Family, RecentEdit
from ensemble_lsp.next_edit.region import Region
from ensemble_lsp.postprocess.completion_text import clean_completion
from ensemble_lsp.postprocess.rest_of_line import fit_rest_of_line
from ensemble_lsp.types import Document, Position, Span, advance

from . import next_edit_locator as locator
from .common import percentile, save, table
from .next_edit_scenarios import PastEdit, Scenario, read_scenarios

AUTHORS = {
    "copilot": 0.127, "mercuryapi": 0.575, "qwen3.5-0.8B": 0.181, "qwen3.5-27B": 0.231,
    "qwen3.5-2B": 0.170, "qwen3.5-4B": 0.182, "sweep-next-edit-0.5B": 0.104,
    "sweep-next-edit-1.5B": 0.197, "sweep-next-edit-7B": 0.223, "sweepapi": 0.080, "zeta": 0.548,
    "zeta-2": 0.564,
}  # fmt: skip
"""The score on all 36 scenarios that the recordings' authors publish with them, by their own client."""

_REGIONS = {
    "zeta": r"<\|editable_region_start\|>\n(?P<region>.*)\n<\|editable_region_end\|>",
    "zeta-2": r"<<<<<<< CURRENT\n(?P<region>.*)\n=======\n<\[fim-middle\]>",
    "mercury": r"<\|code_to_edit\|>\n(?P<region>.*)\n<\|/code_to_edit\|>",
    "sweep-next-edit": r"<\|file_sep\|>current/[^\n]*\n(?P<region>.*)\n<\|file_sep\|>updated/",
}
_CURSORS = re.compile(r"<\|(?:user_cursor_is_here|user_cursor|cursor)\|>")

FirstEdit = Callable[["RecordedScenario"], PredictedEdit | None]


@dataclass(frozen=True)
class RecordedScenario:
    """One scenario as the product sees it."""

    source: Scenario
    document: Document
    insertion: Position
    """The cursor for models that only fill in the middle."""
    hunks: tuple[Hunk, ...]
    edited: bool
    wanted: str | None

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.source.name

    @property
    def request(self) -> EditRequest:
        """The request; the recordings name every edited file as the scenario's."""
        path = self.source.file
        edits = tuple(RecentEdit(path, hunk) for hunk in self.hunks)
        return EditRequest(self.document, self.source.cursor, path, edits)

    @property
    def moment(self) -> Moment:
        """The editor's state for the gate."""
        return Moment(self.document, self.source.cursor, self.hunks, self.edited)


@dataclass(frozen=True)
class Recorded:
    """A service's first answer to one scenario."""

    request: dict[str, Any]
    response: Any
    milliseconds: float


def scenarios(folder: Path) -> list[RecordedScenario]:
    """Return the scenarios of a folder."""
    return [_scenario(source) for source in read_scenarios(folder)]


def measure(
    found: list[RecordedScenario], service: str, first: FirstEdit | None = None
) -> tuple[EditScores, dict[str, Any]]:
    """Return a service's scores; ``first`` is asked before the service, and its edit is shown instead."""
    cases: list[EditCase] = []
    times: list[float] = []
    rendered: list[bool] = []
    reasons: dict[str, str] = {}
    exact: list[str] = []
    for scenario in found:
        recorded = recorded_answer(scenario, service)
        edit = shown_edit(scenario, first(scenario) if first else None)[0]
        if edit is None and recorded is not None:
            times.append(recorded.milliseconds)
            prompt = _prompt(scenario, service, recorded)
            if prompt is not None:
                rendered.append(_same_prompt(prompt, recorded.request))
            edit, reason = shown_edit(scenario, read(scenario, service, recorded, prompt))
            if reason:
                reasons[scenario.name] = reason
        after = edit.apply(scenario.document).text if edit else None
        case = EditCase(scenario.document.text, scenario.wanted, after)
        cases.append(case)
        exact += [scenario.name] if case.exact else []
    details = {
        "prompts": f"{sum(rendered)}/{len(rendered)}" if rendered else "-",
        "p50": percentile(times, 0.5) if times else None,
        "heldBack": reasons,
        "exactIn": exact,
    }
    return scores(cases), details


def shown_edit(
    scenario: RecordedScenario, edit: PredictedEdit | None
) -> tuple[PredictedEdit | None, str | None]:
    """Return the edit that a fresh gate shows, or the reason why it does not."""
    gate = Gate(clock=lambda: 0.0)
    reason = gate.before_asking(scenario.moment)
    if reason is None and edit is not None:
        reason = gate.before_showing(edit, scenario.moment)
    return (None, reason) if reason else (edit, None)


def recorded_answer(scenario: RecordedScenario, service: str) -> Recorded | None:
    """Return a service's first answer; ``None`` if it was not asked."""
    file = scenario.source.folder / f"{service}.ndjson"
    if not file.is_file():
        return None
    events = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    response = next((e for e in events if e["kind"] == "response" and not e["interaction"]), None)
    request = next((e for e in events if e["kind"] == "request" and not e["interaction"]), None)
    if response is None or request is None:
        return None
    body = {} if "Content-Encoding" in request.get("headers", {}) else _body(request)
    return Recorded(body, _body(response), float(response.get("duration_ms") or 0))


def read(
    scenario: RecordedScenario, service: str, recorded: Recorded, prompt: EditPrompt | None
) -> PredictedEdit | None:
    """Return the edit that a recorded answer makes."""
    response = recorded.response
    if isinstance(response, list):  # Copilot's edits
        return next(iter(_protocol_edits(scenario, response)), None)
    if "start_index" in response:  # Sweep's service
        text = scenario.document.text.encode()
        ends = (text[: response[key]].decode() for key in ("start_index", "end_index"))
        start, end = (advance(Position(0, 0), before) for before in ends)
        return _edit(scenario, Span(start, end), response["completion"])
    choice = response["choices"][0]
    text = choice.get("text") or choice.get("message", {}).get("content") or ""
    if prompt is not None:
        return predicted_edit(prompt, text, finish=choice["finish_reason"], model=service)
    return _insertion(scenario, text, choice["finish_reason"])


def services(folder: Path) -> list[str]:
    """Return the services that have recorded answers."""
    return sorted({file.stem for file in (folder / "scenarios").glob("*/*.ndjson")})


def folder_of(argument: str | None) -> Path:
    """Return the folder of the scenarios: an argument, the environment's, or the one beside the checkout."""
    data = os.environ.get("ENSEMBLE_LSP_BENCH_DATA") or "../shared/data"
    return Path(argument) if argument else Path(data) / "next-edit"


def as_json(result: EditScores, details: dict[str, Any]) -> dict[str, Any]:
    """Return a service's row for the JSON file."""
    return {
        "exact": result.exact, "wanted": result.wanted, "falseAlarms": result.false_alarms,
        "unwanted": result.unwanted, "deltaChrF": result.delta_chrf, "lineChrF": result.line_chrf,
        "shown": result.shown, "quiet": result.quiet, "score": result.score,
        "lineScore": result.line_score, **details,
    }  # fmt: skip


def located(scenario: RecordedScenario) -> PredictedEdit | None:
    """Return what the locator offers, one offer after another, as one edit."""
    found = next(locator.scenarios([scenario.source]))[1]
    if found is None:
        return None
    return _edit(scenario, Span(Position(0, 0), scenario.document.end), found)


def measure_all(folder: Path) -> dict[str, Any]:
    """Measure and print every service alone, the locator alone, and every service after the locator."""
    found = scenarios(folder)
    alone = {service: measure(found, service) for service in services(folder)}
    alone["locator"] = measure(found, "", located)
    after = {service: measure(found, service, located) for service in services(folder)}
    _show(f"Recorded answers, {len(found)} scenarios", alone)
    for name, (_, details) in alone.items():
        print(name, "exact in", details["exactIn"], "held back", details["heldBack"])
    _show("The same with the locator before them", after)
    parts = {"alone": alone, "after the locator": after}
    return {
        part: {name: as_json(*result) for name, result in results.items()}
        for part, results in parts.items()
    }


def main() -> None:
    """Print and save the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?")
    folder = folder_of(parser.parse_args().folder)
    if not read_scenarios(folder):
        print(f"skipped: {folder} has no scenarios; set ENSEMBLE_LSP_BENCH_DATA")
        return
    print(save("next-edit-recorded", measure_all(folder)))


def _show(title: str, results: dict[str, tuple[EditScores, dict[str, Any]]]) -> None:
    header = (
        *("service", "exact", "alarms", "delta", "line", "shown", "quiet", "score", "line score"),
        *("authors'", "prompts", "ms"),
    )
    ranked = sorted(results.items(), key=lambda item: -item[1][0].score)
    table(title, header, [_row(name, *result) for name, result in ranked])


def _family(service: str) -> Family | None:
    return family_of("mercury-edit" if service == "mercuryapi" else service)


def _asked(service: str) -> bool:
    return service in ("copilot", "sweepapi", "locator") or _family(service) is not None


def _row(name: str, result: EditScores, details: dict[str, Any]) -> tuple[Any, ...]:
    return (
        name if _asked(name) else f"{name} (fim)",
        f"{result.exact}/{result.wanted}",
        f"{result.false_alarms}/{result.unwanted}",
        *(result.delta_chrf, result.line_chrf, result.shown, result.quiet),
        *(result.score, result.line_score, AUTHORS.get(name, "-")),
        details["prompts"],
        "-" if details["p50"] is None else f"{details['p50']:.0f}",
    )


def _scenario(source: Scenario) -> RecordedScenario:
    text = source.folder.with_suffix(".txtar").read_text(encoding="utf-8")
    keys = dict(re.findall(r"^([\w-]+): (.*)$", text.partition("\n-- ")[0], re.M))
    insertion = source.cursor
    if "fim-row" in keys:
        insertion = Position(int(keys["fim-row"]) - 1, int(keys["fim-col"]))
    expected = source.expected or ""
    return RecordedScenario(
        source=source,
        document=Document.from_text(source.uri, 1, source.language, source.buffer),
        insertion=insertion,
        hunks=tuple(_hunk(source, edit) for edit in source.history),
        edited=keys.get("modified") != "false",
        wanted=expected if expected.strip() else None,
    )


def _hunk(source: Scenario, edit: PastEdit) -> Hunk:
    """Return an edit as the recorded prompts have it: whole, without lines around, at the first line."""
    removed, added = (
        tuple(f"{line}\n" for line in text.removesuffix("\n").split("\n"))
        for text in (edit.old, edit.new)
    )
    uri = source.uri.removesuffix(source.file) + edit.file
    return Hunk(uri, source.language, 0, removed, added, tracked=False)


def _insertion(scenario: RecordedScenario, text: str, finish: str) -> PredictedEdit | None:
    """Return what a model that fills in the middle inserts, cleaned as a completion is."""
    document, at = scenario.document, scenario.document.clamp(scenario.insertion)
    prefix = document.slice(Span(Position(0, 0), at))
    suffix = document.slice(Span(at, document.end))
    completion = clean_completion(
        text, prefix=prefix, suffix=suffix, language=document.language, finish=finish
    )
    fitted = fit_rest_of_line(completion, prefix=prefix, suffix=suffix, language=document.language)
    end = Position(at.line, at.column + len(fitted.covered))
    return _edit(scenario, Span(at, end), fitted.text) if fitted.text else None


def _prompt(scenario: RecordedScenario, service: str, recorded: Recorded) -> EditPrompt | None:
    """Return the product's prompt for the region and the cursor that the recorded one has.

    A scenario with several cursors was recorded with one of them.
    """
    family = _family(service)
    if family is None or not recorded.request:
        return None
    text = _request_text(recorded.request)
    found = re.search(_REGIONS[family.name], text, re.S)
    if found is None:
        raise ValueError(f"{scenario.name}: {service}'s prompt has no region")
    marked = found["region"].split("\n")
    region_lines = _CURSORS.sub("", found["region"]).split("\n")
    lines = [line.rstrip("\n") for line in scenario.document.lines]
    size = len(region_lines)
    places = [n for n in range(len(lines)) if lines[n : n + size] == region_lines]
    if not places:
        raise ValueError(f"{scenario.name}: {service}'s region is not in the file")
    at = min(places, key=lambda n: abs(n - scenario.source.cursor.line))
    row, match = next((n, m) for n, line in enumerate(marked) if (m := _CURSORS.search(line)))
    request = replace(scenario.request, cursor=Position(at + row, match.start()))
    return family.render(request, Region(at, at + size))


def _same_prompt(prompt: EditPrompt, request: dict[str, Any]) -> bool:
    """Return whether the prompts are equal; the recordings have edits of equal age in any order."""
    rendered = prompt.rendered.text or prompt.rendered.user
    return sorted(rendered.split("\n")) == sorted(_request_text(request).split("\n"))


def _request_text(request: dict[str, Any]) -> str:
    return request["prompt"] if "prompt" in request else request["messages"][-1]["content"]


def _protocol_edits(
    scenario: RecordedScenario, edits: list[dict[str, Any]]
) -> Iterator[PredictedEdit]:
    for edit in edits:
        ends = (edit["range"]["start"], edit["range"]["end"])
        start, end = (Position(end["line"], end["character"]) for end in ends)
        yield _edit(scenario, Span(start, end), edit["text"])


def _edit(scenario: RecordedScenario, span: Span, text: str) -> PredictedEdit:
    document = scenario.document
    return PredictedEdit(document.uri, document.version, span, text).smallest(document)


def _body(event: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(event["body_b64"]))


if __name__ == "__main__":
    main()
