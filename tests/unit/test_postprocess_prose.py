"""Post-processing of explanations: the Markdown is safe to show."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_lsp.postprocess import clean_prose

F = "```"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A *plain* answer with `code`.", "A *plain* answer with `code`."),
        ("<b>bold</b>", "&lt;b>bold&lt;/b>"),
        ("a < b and c<d", "a < b and c&lt;d"),
        ("`<b>` and <i>", "`<b>` and &lt;i>"),
        (f"{F}html\n<b>\n{F}", f"{F}html\n<b>\n{F}"),
        (f"{F}py\nx = 1", f"{F}py\nx = 1\n{F}"),
        ("![x](https://a.b/c.png)", "[x](https://a.b/c.png)"),
        ("![x](data:image/png;base64,AAAA)", "[x]"),
        ("!!\\![x][id]", "[x][id]"),
        ("[run](command:rm)", "[run]"),
        ("[run](<command:rm x>)", "[run]"),
        ("[run](\ncommand:rm)", "[run]"),
        ("[run](&#99;ommand:rm)", "[run]"),
        ("[run](java\tscript:x)", "[run] \tscript:x)"),
        ("[a[b]](vscode://x)", "[a[b]]"),
        ("[a](x:y)(command:z)", "[a] (command:z)"),
        ("[docs](https://docs.python.org/3/)", "[docs](https://docs.python.org/3/)"),
        ("[x]: command:rm\n\n[x]", "[x]\\: command:rm\n\n[x]"),
        ("<command:rm>", "&lt;command:rm>"),
        ("\x1b[31mred\x1b[0m \u202eevil", "red evil"),
        ("<think>x</think>Yes.", "Yes."),
        (f"{F}markdown\nYes.\n{F}", "Yes."),
        ("\\`<img src=x>`", "\\`&lt;img src=x>`"),
        ("`a\nb` <img> `c`", "`a\nb` &lt;img> `c`"),
        (f"- a\n\n  {F}py\n  x\n<img>", f"- a\n\n  {F}py\n  x\n&lt;img>"),
        (f"- a\n\n  {F}py\n  x\n  {F}\n<img>", f"- a\n\n{F}py\n  x\n{F}\n&lt;img>"),
        ("", ""),
    ],
)
def test_prose_is_safe_to_show(text: str, expected: str) -> None:
    assert clean_prose(text) == expected
    assert clean_prose(expected) == expected


def test_prose_rendered_by_a_commonmark_parser_holds_nothing_active() -> None:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    parts = [
        "<img src=x onerror=a>", "`", "``", "\\", "\n", "\n\n", "- ", "> ", "    ", F, f"{F}py\n",
        "![a](http://x/y.png)", "[a](command:b)", "[c]: command:d\n", "[c]", "<!--", "-->", "~~~\n",
        "<a href='command:x'>", "text ", "1. ", "](", "command:e)", "<", ">", "# ", "\t", "![",
        "&lt;",
    ]  # fmt: skip

    @given(st.lists(st.sampled_from(parts), max_size=14))
    @settings(max_examples=150, deadline=None)
    def check(chosen: list[str]) -> None:
        html = parser.render(clean_prose("".join(chosen)))
        assert "<img" not in html
        assert 'href="command' not in html
        assert "<a href='command" not in html
        assert "<!--" not in html

    check()
