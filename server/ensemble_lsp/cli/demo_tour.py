"""The steps of the demo: each does what an editor does, prints what came of it, and checks it."""

from __future__ import annotations

import ast
import asyncio
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .demo_client import DemoClient
from .sentence_layout import say

SHAPES = '''"""Shapes and their measures."""

import math


def circle_area(radius):
    """Return the area of a circle."""
    if radius < 0:
        raise ValueError("radius must not be negative")
    return math.pi * radius ** 2


def square_perimeter(side):
    """Return the perimeter of a square."""
    if side < 0:
        raise ValueError("side must not be negative")
    return 4 * side


def square_diagonal(side):
    """Return the diagonal of a square."""
    if side < 0:
        raise ValueError("side must not be negative")
    return math.sqrt(2) * side


def square_area(side):
    """Return the area of a square."""
    if side < 0:
        raise ValueError("side must not be negative")
    return side ** 2


def cube_volume(side):
    """Return the volume of a cube."""
    '''
BY_HAND = {
    "if s": "ide < 0:",
    "raise ": 'ValueError("side must not be negative")',
    "return ": "side ** 3",
}
"""The rest of each line, typed where no model suggests it."""
EXAMPLES = """\
>>> rectangle_perimeter(3, 4)
14
>>> rectangle_perimeter(1, 0)
2"""
TASK = (
    "Write the function rectangle_perimeter(width, height). Return the perimeter of a rectangle.\n"
)
WAIT = 20.0
"""Seconds after the last key in which a model with weights may answer: it may still be loading."""
WAIT_FOR_RECALL = 2.0


class Tour:
    """One session; ``capable`` demands what only a model that was trained on code can do."""

    def __init__(
        self,
        client: DemoClient,
        home: Path,
        members: Sequence[str],
        *,
        capable: bool,
        as_json: bool,
    ) -> None:
        self._client = client
        self._uri = (home / "shapes.py").as_uri()
        self._members = members
        self._capable = capable
        self._json = as_json
        self._log: list[dict[str, Any]] = []
        self._failed = False
        self._began = time.perf_counter()

    async def play(self) -> int:
        """Play every step; return the exit code."""
        client = self._client
        models = " and ".join(self._members) if self._members else "no model with weights"
        self._say(
            "A tour of ensemble-lsp: the real server, one Python file, recall (which predicts from your own "
            f"code), and {models}. No key is needed, and no code leaves this machine."
        )
        await client.initialize()
        client.open(self._uri, SHAPES)
        await self._accept("You begin a line", "if s", "\n        ")
        if self._members:
            await self._reject()
        else:
            await self._accept("You write a line that your code has elsewhere", "raise ", "\n    ")
        await self._accept("You write the next line", "return ", "\n")
        await self._next_edit()
        if self._members:
            await self._hover()
            await self._generate()
        else:
            text = "skipped: they need a model with weights; `ensemble-lsp demo --fetch --small` adds one (93 MB)"
            self._step("Explanations and ensembles", False, text, False)
        await self._learned()
        await client.shutdown()
        if self._json:
            from .console import print_json

            print_json({"ok": not self._failed, "seconds": self._seconds, "steps": self._log})
        else:
            self._say(f"\nThe tour took {self._seconds:.0f} s.")
        return 1 if self._failed else 0

    @property
    def _seconds(self) -> float:
        return round(time.perf_counter() - self._began, 1)

    def _say(self, text: str) -> None:
        if self._json:
            return
        for line in text.split("\n"):
            say(line, indent=line[: len(line) - len(line.lstrip())])
        sys.stdout.flush()

    def _step(self, title: str, ok: bool, text: str, required: bool = True) -> None:
        self._log.append({"step": title, "ok": ok, "told": text})
        self._failed = self._failed or (required and not ok)
        mark = "✓" if ok else "✗" if required else "–"
        self._say(f"\n{mark} {title}\n" + textwrap.indent(text, "    "))

    async def _ghost(self) -> dict[str, Any] | None:
        """Return the ghost text at the end; ask again while an answer may still follow."""
        wait = WAIT if self._members else WAIT_FOR_RECALL
        deadline = time.perf_counter() + wait
        while True:
            found = await self._client.inline(self._uri, automatic=True)
            if found or time.perf_counter() > deadline:
                return found[0] if found else None
            await asyncio.sleep(0.1)

    async def _accept(self, title: str, typed: str, after: str) -> None:
        client = self._client
        client.append(self._uri, typed)
        item = await self._ghost()
        if item is None:
            text = f"{typed}…   (no model was sure enough to suggest the rest; you type it)"
            self._step(title, False, text, self._capable)
            client.append(self._uri, BY_HAND[typed] + after)
            return
        id_ = item["command"]["arguments"][0]["id"]
        why = await client.command("ensemble.why", {"id": id_})
        line = client.text(self._uri).rpartition("\n")[2].lstrip()
        client.append(self._uri, item["insertText"])
        await client.command("ensemble.accept", {"id": id_})
        ok, verdict = parses(client.text(self._uri))
        shown = (
            f"{line}⟦{item['insertText']}⟧   ← the part in brackets is the ghost text; Tab takes it"
        )
        self._step(title, ok, f"{shown}\nby {' and '.join(why['models'])}; {verdict}")
        client.append(self._uri, after)

    async def _reject(self) -> None:
        client = self._client
        client.append(self._uri, "raise ")
        item = await self._ghost()
        typed = 'ArithmeticError("no such cube")'
        client.append(self._uri, typed + "\n    ")
        if item is None:
            self._step(
                "You have another idea", True, f"raise {typed}  (nothing was suggested)", False
            )
            return
        await client.command("ensemble.reject", {"id": item["command"]["arguments"][0]["id"]})
        text = f"raise ⟦{item['insertText']}⟧\nYou type {typed} instead: the server learns from that too."
        ok, verdict = parses(SHAPES + f"if side < 0:\n        raise {item['insertText']}")
        self._step("You have another idea", ok, f"{text}\nThe suggestion: {verdict}")

    async def _next_edit(self) -> None:
        """Rename a parameter by hand; the server offers the other places."""
        client = self._client
        title, offered = "You rename a parameter, and the next edits are offered", 0
        before = client.text(self._uri)
        start = before.index("square_area(side)") + len("square_area(")
        await client.replace(self._uri, start, start + len("side"), "edge")
        lines: list[str] = ["square_area(side) becomes square_area(edge)"]
        place = start + len("edge")
        while offered < 6:
            params = {**client.at(self._uri, place), "context": {"triggerKind": 1}}
            params["textDocument"] = client.versioned(self._uri)
            found = await client.request("textDocument/copilotInlineEdit", params)
            if not found["edits"]:
                break
            edit = found["edits"][0]
            place = client.apply_one(self._uri, edit["range"], edit["text"])
            command = edit["command"]
            await client.command(command["command"], command["arguments"][0])
            number = edit["range"]["start"]["line"]
            lines.append(
                f"line {number + 1}: {client.text(self._uri).splitlines()[number].strip()}"
            )
            offered += 1
        ok, verdict = parses(client.text(self._uri))
        self._step(title, offered > 0 and ok, "\n".join(lines) + f"\n{offered} applied; {verdict}")

    async def _hover(self) -> None:
        place = SHAPES.index("circle_area") + 2
        hover = await self._client.request("textDocument/hover", self._client.at(self._uri, place))
        value = hover["contents"]["value"] if hover else ""
        text = textwrap.shorten(value.partition("\n---")[0], 400, placeholder=" …")
        self._step(
            "You hover over circle_area", bool(value), textwrap.fill(text, 92) or "no explanation"
        )

    async def _generate(self) -> None:
        """Write a function with every member, show whether they agree, and run its examples."""
        client, title = self._client, "You ask for a function"
        client.append(self._uri, "\n\n")
        at = client.at(self._uri)["position"]
        arguments = {"uri": self._uri, "range": {"start": at, "end": at}, "apply": False}
        try:
            made = await client.command(
                "ensemble.generate", {**arguments, "instruction": TASK + EXAMPLES}
            )
        except RuntimeError as error:
            self._step(title, False, str(error))
            return
        code = made["text"].strip("\n") + "\n"
        client.append(self._uri, code)
        await client.command("ensemble.accept", {"id": made["candidates"][0]["id"]})
        ok, verdict = parses(client.text(self._uri))
        lines = code.splitlines()
        more = f"\n… {len(lines) - 16} more lines" if len(lines) > 16 else ""
        shown = "\n".join(lines[:16]) + more
        self._step(title, ok, f"{shown}\n\nwritten below the others; {verdict}", self._capable)
        self._step("Do the models agree?", True, agreement(made))
        passed, text = await check(code)
        self._step("Does it work?", passed, text, self._capable)

    async def _learned(self) -> None:
        models = await self._client.command("ensemble.models", {})
        lines: list[str] = []
        for model in models:
            for task, row in model["stats"].items():
                if row["suggestions"]:
                    record = f"{row['suggestions']} offered, {row['accepted']} accepted"
                    lines.append(f"{model['name']:19} {task:9} {record}")
        text = "\n".join(lines) or "nothing yet: no model suggested anything"
        self._step("What the server has learned about its models", bool(lines), text, self._capable)


def parses(text: str) -> tuple[bool, str]:
    """Return whether a text parses as it is, or once the block that it opens is written; and a sentence."""
    for more, verdict in (("", "it parses"), ("\n        pass\n", "it parses, with a body")):
        try:
            ast.parse(text.rstrip() + more)
        except SyntaxError:
            continue
        return True, verdict
    return False, "it does not parse"


def agreement(made: dict[str, Any]) -> str:
    """Say which models gave which answer."""
    candidates = made["candidates"]
    names = [" and ".join(c["models"]) for c in candidates]
    if len(candidates) == 1 and len(candidates[0]["models"]) > 1:
        return f"Yes: {names[0]} wrote code that behaves alike."
    if len(candidates) == 1:
        # Advice comes before the model's name; it does not help in a tour.
        faults = {name: text.rpartition(f"{name}: ")[2] for name, text in made["errors"].items()}
        failed = "".join(f"\n{name}: {fault}" for name, fault in faults.items())
        return f"Only {names[0]} answered, so there is nothing to agree with.{failed}"
    others = ", ".join(names[1:])
    how = "the examples decide" if made["settled"] else "your editor would ask"
    return f"No: {names[0]} and {others} wrote different code.\nThe answer of {names[0]} is used here; {how}."


async def check(code: str) -> tuple[bool, str]:
    """Run the examples on generated code, in the sandbox; return whether all pass, and what was run."""
    from ..sandbox.example_parser import examples_in
    from ..sandbox.example_runner import run_examples

    groups = examples_in(EXAMPLES, ["rectangle_perimeter"], None)
    ran = await run_examples(code, groups)
    if ran.unavailable:
        return True, f"The examples were not run: {ran.unavailable}."
    outcomes = [outcome.ok for group in ran.groups for outcome in group]
    lines = EXAMPLES.splitlines()
    rows = [
        f"{'✓' if ok else '✗'} {call.removeprefix('>>> ')} is {expected}"
        for call, expected, ok in zip(lines[::2], lines[1::2], outcomes, strict=False)
    ]
    passed = ran.completed and len(outcomes) == len(lines) // 2 and all(outcomes)
    return passed, "\n".join([*rows, "run in the sandbox"] if rows else ["The examples fail."])
