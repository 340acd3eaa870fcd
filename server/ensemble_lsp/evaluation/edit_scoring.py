"""Ask one model for the next edit of a scenario, pass the answer through the gate, and score what is shown.

The measures range from 0 to 1; higher is better. Where an edit is wanted:

- ``exact``: the file becomes what it became in the commit;
- ``deltaChrf``: how alike the change and the wanted one are, in n-grams added and deleted; 0 if nothing is shown;
- ``shown``: an edit is shown at all.

Where none is wanted, ``quiet``: nothing is shown. ``right`` is ``exact`` or ``quiet``, whichever the case has.
"""

from __future__ import annotations

import asyncio
import difflib

from ..models.interface import Model
from ..models.stream_collector import collect
from ..next_edit.edit import PredictedEdit
from ..next_edit.gate import Gate, Moment
from ..next_edit.metrics import EditCase, delta_chrf
from ..next_edit.parsing import predicted_edit
from ..types import LOCATOR, Prompt
from .edit_situation import EditSituation
from .eval_answer import EvalAnswer
from .scenario import Scenario


async def sample_edit(
    model: Model, prompt: Prompt, scenario: Scenario, situation: EditSituation
) -> EvalAnswer:
    """Return the edit that the editor would show, with its scores."""
    name = model.profile.name
    if name == LOCATOR:
        answer = EvalAnswer(first_ms=situation.located_ms, total_ms=situation.located_ms)
        await asyncio.to_thread(_judge, answer, scenario, situation, situation.located)
        return answer
    read = await collect(model, prompt)
    answer = EvalAnswer.read(read)

    def parse_and_judge() -> None:
        edit = predicted_edit(
            situation.prompts[name],
            read.text,
            finish=read.finish or "stop",
            model=name,
            confidence=read.confidence,
        )
        _judge(answer, scenario, situation, () if edit is None else (edit,))

    await asyncio.to_thread(parse_and_judge)
    return answer


def _judge(
    answer: EvalAnswer,
    scenario: Scenario,
    situation: EditSituation,
    edits: tuple[PredictedEdit, ...],
) -> None:
    """Show the first edit that the gate lets through, and score it."""
    moment = Moment(scenario.document, scenario.cursor, situation.hunks)
    gate = Gate()
    shown = next((e for e in edits if gate.before_showing(e, moment) is None), None)
    after = shown.apply(scenario.document).text if shown is not None else None
    answer.scores = score_edit(scenario.document.text, situation.wanted, after)
    answer.text = "" if after is None else as_diff(scenario.document.text, after)


def score_edit(before: str, wanted: str | None, after: str | None) -> dict[str, float]:
    """Return the measures of a shown edit; ``after`` is None if nothing is shown."""
    if wanted is None:
        quiet = float(after is None)
        return {"right": quiet, "quiet": quiet}
    exact = float(EditCase(before, wanted, after).exact)
    alike = delta_chrf(before, wanted, before if after is None else after)
    return {"right": exact, "exact": exact, "deltaChrf": alike, "shown": float(after is not None)}


def as_diff(before: str, after: str) -> str:
    """Return a change as a unified diff of one line around, without its head."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    return "\n".join(list(lines)[2:])
