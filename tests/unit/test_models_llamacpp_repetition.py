"""The answer of a small model that repeats itself ends."""

from __future__ import annotations

import pytest

from ensemble_lsp.providers.llamacpp.event_parser import LlamaAnswer
from ensemble_lsp.providers.llamacpp.repetition import RepetitionWatch

FUNCTION = """def volume_{0}(side):
    \"\"\"Return the volume of a square multiplied by a multiplier.\"\"\"
    if side < 0:
        raise ValueError("side must be a non-negative number")
    return square_volume(side) * 2


"""


def ends_at(text: str, size: int = 7) -> int | None:
    """Return the characters after which the watch ends a text that comes in pieces; ``None`` if it does not."""
    watch = RepetitionWatch()
    for end in range(0, len(text), size):
        if watch.add(text[end : end + size]):
            return end + size
    return None


def test_a_passage_that_comes_a_third_time_ends_the_answer() -> None:
    text = "".join(FUNCTION.format(n) for n in range(20))
    end = ends_at(text)
    assert end is not None and 2 * len(FUNCTION) < end <= 3 * len(FUNCTION) + 7


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"def f{n}(a):\n    return a + {n}\n\n\n" for n in range(50)),
        "".join(
            f"    if err := step{n}(); err != nil {{\n        return err\n    }}\n"
            for n in range(50)
        ),
        "<ul>\n" + "".join(f"  <li>\n    Item {n}\n  </li>\n" for n in range(50)) + "</ul>\n",
        "".join(f'    {{"name": "n{n}", "size": {n}}},\n' for n in range(100)),
        "}\n" * 40,
        FUNCTION.format(1) + FUNCTION.format(2),
    ],
)
def test_code_of_one_shape_goes_on(text: str) -> None:
    assert ends_at(text) is None


def test_the_stream_ends_with_what_was_written() -> None:
    answer = LlamaAnswer("m", may_repeat=False)
    pieces = [FUNCTION.format(n) for n in range(9)]
    chunks = [answer.chunk({"content": piece}) for piece in pieces[:3]]
    assert [chunk.finish if chunk else None for chunk in chunks] == [None, None, "stop"]
    assert answer.ended
    free = LlamaAnswer("m")
    assert all(
        chunk and chunk.finish is None
        for chunk in map(free.chunk, [{"content": p} for p in pieces])
    )
