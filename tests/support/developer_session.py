"""A developer at work on one file that grows line by line, with the true outcome of each suggestion."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from ensemble_lsp.feedback.tracker import Tracker
from ensemble_lsp.types import Document, Outcome, Position, Span, Suggestion

from .simulated_editor import Editor

LINES: tuple[tuple[str, str, str], ...] = (
    # typed before the suggestion, offered, another text with a similar beginning
    (
        "const re",
        "ferences = r.references.filter((x) => x.isOpen);",
        "placed = old.replace(/a/g, b);",
    ),
    ("if (", "!classReferences) {\n    return [];\n  }", "classReferences.length) {"),
    ("return a ", "<= b ? -1 : 1;", ">= b ? 1 : -1;"),
    ("const path = file.fil", "eName.split('/').pop();", "es[0];"),
    ("for (const item of ", "this.items) {\n    total += item.price;\n  }", "that.other) {"),
    ("await ", "this.store.save(document, { force: true });", "delay(100);"),
    ("const total = ", "items.reduce((sum, item) => sum + item.price, 0);", "0;"),
    ("this.em", "itter.fire({ uri, version });", "pty = true;"),
    ("export function ", "parseRange(text: string): Range {", "print(): void {"),
    ("console.", "log(`${name}: ${value}`);", "error(err);"),
    ("private readonly ", "listeners = new Map<string, Listener>();", "name: string;"),
    ("while (", "index < lines.length && !lines[index].trim()) index++;", "true) {"),
    ("  def ", "normalise(self, values: list[float]) -> list[float]:", "name(self) -> str:"),
    ("result = [", "row.strip() for row in rows if row]", "1, 2, 3]"),
    ("assert ", "len(found) == 3, found", "found is None"),
    ("throw new ", 'TypeError(`expected a string, got "${typeof value}"`);', "Error(message);"),
    ("let x = cond ", "&& other.isReady ? first : second;", "|| other;"),
    ("<div ", 'className="row">{children}</div>', "id={name} />"),
    ("import { ", 'readFile, writeFile } from "node:fs/promises";', "join } from 'path';"),
    ("} catch (", "error) {\n    logger.warn(error);\n  }", "e) {"),
)
IDENTIFIERS = (
    # typed, the rest of the identifier
    ("const path = file.fil", "eName"),
    ("return this.cla", "ssReferences"),
    ("if (docu", "mentVersion"),
    ("x = self._ca", "che_size"),
)
START = "import os from 'os';\n\nfunction first() {\n  return 1;\n}\n\nexport class Main {\n\n}\n"


@dataclass
class Session:
    """A developer at work: one tracker, one file (another is opened now and then)."""

    rng: random.Random
    form: str
    now: list[float] = field(default_factory=lambda: [1000.0])
    outcomes: dict[str, str] = field(default_factory=dict[str, str])
    truth: dict[str, str] = field(default_factory=dict[str, str])
    acts: dict[str, str] = field(default_factory=dict[str, str])
    act: str = ""

    def __post_init__(self) -> None:
        """Open the file."""
        self.tracker = Tracker(self._hear, self._hear, clock=lambda: self.now[0])
        document = Document.from_text("file:///main.ts", 1, "typescript", START)
        self.e = Editor(self.tracker, self.form, document, Position(7, 0), self.now)

    def _hear(self, suggestion: Suggestion, outcome: Outcome) -> None:
        self.outcomes[suggestion.id] = outcome.kind

    def line(self, typed: str) -> None:
        """Begin a new line and type its start."""
        end = self.e.document.end
        last = Position(end.line - 1, len(self.e.document.line(end.line - 2)))
        self.e.cursor = Position(last.line - 1, last.column)
        self.e.type("\n")
        self.e.type(typed)

    def offer(self, text: str, truth: str = "", typed: str = "") -> Suggestion:
        """Offer a text and write down its true outcome ("" for any that is no accept)."""
        self.e.wait(self.rng.uniform(0.15, 0.4))
        suggestion = self.e.offer(text, typed)
        self.truth[suggestion.id] = truth
        self.acts[suggestion.id] = self.act
        return suggestion

    def pause(self) -> None:
        """Read."""
        self.e.wait(self.rng.uniform(0.5, 2.5))

    def popup(self, text: str) -> None:
        """Take an item of the popup: it replaces the word under the cursor."""
        e = self.e
        line = e.document.line(e.cursor.line)[: e.cursor.column]
        start = len(line)
        while start and (line[start - 1].isalnum() or line[start - 1] in "_$"):
            start -= 1
        e.replace(Span(Position(e.cursor.line, start), e.cursor), text)

    def word_here(self) -> str:
        """Return the part of a word before the cursor."""
        line = self.e.document.line(self.e.cursor.line)[: self.e.cursor.column]
        return line[len(line.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")) :]

    def undo(self, document: Document, cursor: Position) -> None:
        """Go back, or forth, to a text."""
        self.e.restore(document, cursor)


def start_line(s: Session) -> tuple[str, str, str]:
    typed, offered, other = s.rng.choice(LINES)
    s.line(typed)
    return typed, offered, other


def first_identifier(text: str) -> str:
    """Return the first identifier of a text."""
    end = 0
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return text[:end]
