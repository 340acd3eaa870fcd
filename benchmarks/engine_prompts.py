"""Count the characters of a prompt that a keystroke makes the engine read again. Needs no model.

The functions and keystrokes are those of ``benchmarks.beside_llama_vim``, all lines typed to their end. A
keystroke costs the characters after the longest common start of its prompt and the last one. *kept*: ours.
*line*: ours with the hole at the start of the cursor's line. *llama.vim*: 256 lines above and 64 below,
without its chunks. ``python -m benchmarks.engine_prompts [--functions N]``
"""

from __future__ import annotations

import argparse
from typing import Any

from ensemble_lsp.models.profiles import fim_template
from ensemble_lsp.providers.llamacpp.local_prompts import PromptWindow, completion_text
from ensemble_lsp.types import Prompt, common_prefix_length

from .beside_llama_vim import Session, sessions
from .common import save, table
from .llama_vim import N_PREFIX, N_SUFFIX


def prompts(session: Session, window: PromptWindow, keys: int) -> dict[str, str]:
    """Return the prompts of all sides after that many keystrokes."""
    before = session.before + session.typed[:keys]
    prompt = Prompt("complete", "python", session.name, prefix=before, suffix=session.after)
    shown, template = window.fit(prompt), fim_template("qwen-coder")
    *above, head = before.split("\n")[-N_PREFIX - 1 :]
    below = session.after.split("\n")[: N_SUFFIX + 1]
    return {
        "kept": completion_text(shown, template, window.hole(shown)).text,
        "line": completion_text(shown, template).text,
        "llama.vim": "\n".join([*above, *below, head.strip() and head]),
    }


def count(functions: int) -> dict[str, dict[str, float]]:
    """Return the characters read for a keystroke, and for one that begins a line."""
    read: dict[str, list[int]] = {}
    read_for_line: dict[str, list[int]] = {}
    for session in sessions(functions):
        window, last, typed = PromptWindow(), dict[str, str](), 0
        for keys in session.strokes(whole=True):
            now = prompts(session, window, keys)
            for side, text in now.items() if last else ():
                again = len(text) - common_prefix_length(text, last[side])
                read.setdefault(side, []).append(again)
                if "\n" in session.typed[typed:keys]:
                    read_for_line.setdefault(side, []).append(again)
            last, typed = now, keys
    return {
        side: {
            "keystrokes": len(each),
            "keystroke": sum(each) / len(each),
            "line": sum(read_for_line[side]) / len(read_for_line[side]),
        }
        for side, each in read.items()
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions", type=int, default=50)
    result = count(parser.parse_args().functions)
    rows: list[list[Any]] = [[side, *each.values()] for side, each in result.items()]
    header = ["prompt", "keystrokes", "characters a keystroke", "a new line"]
    table("characters that are read again", header, rows)
    save("engine-prompts", result)


if __name__ == "__main__":
    main()
