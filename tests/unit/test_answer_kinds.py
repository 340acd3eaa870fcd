"""Texts that are taken for something else: talk, control tokens, tags, thoughts, and what only looks like them.

``|`` is the cursor. Each answer is what a model sent; what follows is the text that the editor gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ensemble_lsp.models.control_tokens import control_tokens
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.postprocess import clean_code, clean_prose

if TYPE_CHECKING:
    pass
from tests.support.answers import completed

F = "```"


KEPT = {
    "rust-ok-in-a-block": ("rust", "fn f() -> R {\n    |\n}\n", "Ok(Self { x })"),
    "rust-great-variant": ("rust", "match x {\n    |\n}\n", "Great => 1,"),
    "kotlin-when-yes": ("kotlin", "when (a) {\n    |\n}\n", "Yes -> go()"),
    "swift-case-ok": ("swift", "switch r {\n  |\n}\n", "case .Ok: return"),
    "python-dict-of-sentences": (
        "python",
        "MESSAGES = {\n    |\n}\n",
        '"Yes": "Here is the answer.",\n    "No": "This code has no answer.",',
    ),
    "python-print-sentence": ("python", "|\n", 'print("Sure! Here is the code:")'),
    "python-sentence-in-a-string": ("python", 'raise ValueError("|")\n', "The code is not valid."),
    "python-docstring": (
        "python",
        'def f():\n    """|"""\n',
        "Return the sum.\n\n    Note: this function is slow.\n    ",
    ),
    "python-trailing-comment": ("python", "x = 1  # |\n", "The code below needs this."),
    "java-block-comment": ("java", "/*\n * |\n */\nclass A {}\n", "This class is not thread-safe."),
    "js-template": ("javascript", "const s = `|`;\n", "Here is the list:\n- one\n- two"),
    "go-label": ("go", "s := T{\n\t|\n}\n", "Output: out,\n\tNotes: notes,"),
    "yaml-notes": ("yaml", "a: 1\n|\n", "Notes: none\nUsage: |\n  run it"),
    "toml-sentence": ("toml", 'title = "a"\n|\n', 'description = "This code is short."'),
    "markdown-here": ("markdown", "# T\n\n|\n", "Here is the list:\n\n- one\n- two"),
    "markdown-fence": ("markdown", "# T\n\n|\n", f"Sure:\n\n{F}sh\nmake\n{F}\n\nThis runs it."),
    "plaintext": ("plaintext", "Hello,\n\n|\n", "I'm sorry, I cannot come."),
    "rst-note": ("restructuredtext", "T\n=\n\n|\n", "Note: this code is old.\n\nUsage: run it."),
    "git-commit": (
        "git-commit",
        "Fix it\n\n|\n",
        "This function was wrong. Here is why:\n\nIt was.",
    ),
    "html-text": ("html", "<p>|</p>\n", "This code is free software."),
    "vue-text": ("vue", "<template>\n  |\n</template>\n", "Here is the answer:"),
    "jsx-sorry": (
        "javascriptreact",
        "return (\n  <p>\n    |\n  </p>\n);\n",
        "Sorry, nothing was found.",
    ),
    "csharp-enum": ("csharp", "enum G {\n    |\n}\n", "Certainly, Maybe, Never"),
    "ruby-symbol": ("ruby", "h = {\n  |\n}\n", "Answer: 42,\n  Output: 43"),
    "shell-echo": ("shellscript", "|\n", 'echo "Here is the code:"\necho "Done."'),
    "sql-strings": ("sql", "SELECT |\n", "'Here is the answer: ' || a FROM t"),
    "python-fence-in-docstring": (
        "python",
        "|\n",
        f'def f():\n    """Say it.\n\n    {F}python\n    f()\n    {F}\n    """\n    return 1',
    ),
    "python-multiline-sql": (
        "python",
        "q = |\n",
        '"""\nSELECT 1\n\nThis query returns one.\n"""',
    ),
    # control tokens of another family, or quoted
    "gpt-mentions-tokens": ("python", "x = |\n", 'text.split("<|im_end|>")[0] + "</s>"'),
    "inst-index": ("python", "x = |\n", "names[INST]"),
    "block-art": ("c", "puts(|);\n", '"█▓▒░"'),
    "html-strike": ("html", "<p><s>1|\n", "</s> 2</p>"),
    "cursor-element": ("html", "<svg>|\n", "<cursor x='1'/></svg>"),
    "string-of-markers": ("javascript", "const a = |\n", '["[CURSOR]", "<fill>", "<hole/>"];'),
    # tags of the document's language
    "jsx-answer": ("javascriptreact", "return (\n  |\n);\n", "<Answer>\n    {x}\n  </Answer>"),
    "xml-code": ("xml", "<a>\n  |\n</a>\n", "<code>1</code>"),
    "html-output": ("html", "<form>\n  |\n</form>\n", "<output>1</output>"),
    "python-html-string": ("python", 'html = "|"\n', "<code>x</code>"),
    "ts-generic": ("typescript", "const a = |\n", "f<Result>(x) as Output;"),
    "cpp-template": ("cpp", "auto a = |\n", "make<Result>(x);"),
    # thoughts of the document
    "thought-in-xml": (
        "xml",
        "<log>\n  <thought>a</thought>\n  |\n</log>\n",
        "<thought>b</thought>",
    ),
    "think-in-strings": ("python", "x = |\n", 'a.replace("<think>", "").replace("</think>", "")'),
    "think-in-a-regex": ("javascript", "const r = |\n", "text.split('</think>').pop();"),
    "think-late-in-fstring": ("python", "y = |\n", 'f"{a}</think>{b}"'),
}


@pytest.mark.parametrize("name", KEPT)
def test_an_answer_that_only_looks_wrapped_is_kept(name: str) -> None:
    language, place, answer = KEPT[name]
    assert completed(language, place, answer).rstrip() == answer.rstrip()


STRIPPED = {
    "sure-blank-code": ("go", "func f() int {\n\t|\n}\n", "Sure!\n\nreturn 1", "return 1"),
    "two-sentences": (
        "python",
        "def f(a):\n    |\n",
        "Here's how to do it. We use a generator:\n\nreturn (x for x in a)",
        "return (x for x in a)",
    ),
    "lower-case-opening": (
        "java",
        "int f() {\n    |\n}\n",
        "here is the code:\nreturn 1;",
        "return 1;",
    ),
    "to-implement": (
        "rust",
        "fn f() -> i32 {\n    |\n}\n",
        "To implement this, return a constant.\n\n42\n\nThis returns the number 42.",
        "42",
    ),
    "closing-without-blank": (
        "javascript",
        "function f() {\n  |\n}\n",
        "return 1;\nThis function returns one.",
        "return 1;",
    ),
    "closing-list": (
        "c",
        "int f(void)\n{\n    |\n}\n",
        "return 1;\n\n**Explanation:**\n- It returns 1.\n- It is short.",
        "return 1;",
    ),
    "let-me-know": ("php", "<?php\n$a = |\n", "f($b);\n\nLet me know if you need more!", "f($b);"),
    "fence-in-a-sentence": (
        "csharp",
        "int F() {\n    |\n}\n",
        f"The body is:\n\n{F}cs\nreturn 1;\n{F}\nIt returns 1.",
        "return 1;",
    ),
    "sql-opening": ("sql", "|\n", "Here is the query:\n\nSELECT 1;", "SELECT 1;"),
    "shell-opening": ("shellscript", "|\n", "Sure! Here is the script:\n\nls -l", "ls -l"),
    "ruby-closing": (
        "ruby",
        "def f\n  |\nend\n",
        "1\n\nThis method returns one.",
        "1",
    ),
    "refusal": ("typescript", "const a = |\n", "I'm sorry, but I can't help with that.", ""),
    "fence-with-blanks": ("python", "x = |\n", f"\n\n{F}python\n\nf(1)\n\n{F}\n", "f(1)"),
    # tags
    "answer": ("python", "x = |\n", "<answer>f(1)</answer>", "f(1)"),
    "final-answer": ("rust", "let x = |\n", "<final_answer>\nf(1);\n</final_answer>", "f(1);"),
    "insert": ("java", "int x = |\n", '<insert lang="java">f(1);</insert>', "f(1);"),
    "upper": ("lua", "local x = |\n", "<OUTPUT>f(1)</OUTPUT>", "f(1)"),
    "tag-and-fence": ("python", "x = |\n", f"<code>\n{F}python\nf(1)\n{F}\n</code>", "f(1)"),
    "fence-and-tag": ("python", "x = |\n", f"{F}\n<code>f(1)</code>\n{F}", "f(1)"),
    "talk-and-tag": ("go", "x := |\n", "Here is the code:\n<result>f(1)</result>", "f(1)"),
    "stray-closing": ("python", "x = |\n", "f(1)</completion>", "f(1)"),
    "own-before": ("python", "x = |\n", "f(1)\n</before>", "f(1)"),
    "own-before-glued": ("python", "x = |\n", "f(1)</before>", "f(1)"),
    "own-after": ("c", "x = |\n", "f(1);\n</before>\n<after>\n}\n</after>", "f(1);"),
    "tags-in-jsx-with-fence": (
        "typescriptreact",
        "const x = |\n",
        f"<answer>\n{F}tsx\n<b/>;\n{F}\n</answer>",
        "<b/>;",
    ),
    # labels and fences on one line
    "label-answer": ("javascript", "const a = |\n", "Answer: b + c;", "b + c;"),
    "label-bold": ("python", "return |\n", "**Output:** a + b", "a + b"),
    "fence-line-js": ("javascript", "let a = |\n", f"{F}js b + c;{F}", "b + c;"),
    "fence-line-bare": ("python", "a = |\n", f"{F}b + c{F}", "b + c"),
    "backticks": ("rust", "let a = |\n", "`b + c;`", "b + c;"),
    "fence-closed-on-code": ("go", "a := |\n", f"{F}go\nb + c{F}", "b + c"),
    # the prompt's marker
    "marker-in-front": ("python", "a = |\n", "<|CURSOR|>b", "b"),
    "marker-numbered": ("python", "a = |\n", "<|CURSOR-2|>b", "b"),
    # thoughts
    "think": ("python", "a = |\n", "<think>\nHm.\n</think>\n\nb", "b"),
    "thinking": ("python", "a = |\n", "<thinking>Hm.</thinking>b", "b"),
    "think-quotes-the-tag": ("python", "a = |\n", '<think>\nNot "</think>" yet.\n</think>\nb', "b"),
    "magistral": ("python", "a = |\n", "[THINK]Hm.[/THINK]b", "b"),
    "kimi": ("python", "a = |\n", "◁think▷Hm.◁/think▷b", "b"),
    "cohere": (
        "python",
        "a = |\n",
        "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>b<|END_RESPONSE|>",
        "b",
    ),
    "solution": (
        "python",
        "a = |\n",
        "<|begin_of_thought|>\nHm.\n<|end_of_thought|>\n<|begin_of_solution|>\nb\n<|end_of_solution|>",
        "b",
    ),
    "cursor-tag": ("python", "a = |\n", "<CURSOR>b", "b"),
    "talk-in-chinese": ("python", "a = |\n", f"以下是补全的代码：\n\n{F}python\nb\n{F}\n", "b"),
    "late": ("python", "a = |\n", "It's a sum, I think.\nx = 1\n</think>\n\nb + c", "b + c"),
    "never-ends": ("python", "a = |\n", "<think>\nHm. x = 1\n", ""),
    "harmony": (
        "python",
        "a = |\n",
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>",
        "b",
    ),
    "harmony-without-answer": ("python", "a = |\n", "<|channel|>analysis<|message|>Hm.", ""),
}


@pytest.mark.parametrize("name", STRIPPED)
def test_all_that_a_chat_model_wraps_around_code_is_stripped(name: str) -> None:
    language, place, answer, expected = STRIPPED[name]
    assert completed(language, place, answer) == expected


TOKENS = [
    ("Qwen/Qwen2.5-Coder-7B-Instruct", "f(1)<|im_end|>", "f(1)"),
    ("qwen3:8b", "f(1)<|im_end|>\n<|im_start|>user\nmore", "f(1)"),
    ("meta-llama/Llama-3.1-8B-Instruct", "f(1)<|eot_id|>", "f(1)"),
    ("gemma-3-12b-it", "f(1)<end_of_turn>\n", "f(1)"),
    ("mistral-small-latest", "f(1)</s>", "f(1)"),
    ("mistral-small-latest", "f(1) [INST] more", "f(1) [INST] more"),
    ("codestral-latest", "f(x[PREFIX])", "f(x[PREFIX])"),
    ("codestral-22b", "f(1)\n[PREFIX]\nmore", "f(1)"),
    ("deepseek-coder-6.7b", "f(1)<｜end▁of▁sentence｜>junk", "f(1)"),
    ("microsoft/phi-4", "f(1)<|end|>", "f(1)"),
    ("gpt-oss:20b", "f(1)<|return|>", "f(1)"),
    ("glm-4-9b", "f(1)<|user|>\nmore", "f(1)"),
    ("team-default", "f(1)<|im_end|>", "f(1)"),
    ("starcoder2:3b", "f(1)<file_sep>x.py", "f(1)"),
    ("starcoder2:3b", "<fim_middle>f(1)", "f(1)"),
    ("codellama:7b-code", "f(1) <EOT>", "f(1)"),
    ("Qwen/Qwen2.5-Coder-7B", 'g("<|im_end|>")', 'g("<|im_end|>")'),
    ("Qwen/Qwen2.5-Coder-7B", "f'{a}<|im_end|>' + b<|im_end|>", "f'{a}<|im_end|>' + b"),
    ("mistral-7b", "clean('</s>')", "clean('</s>')"),
    ("gpt-4.1", "f(a) <|im_end|>", "f(a) <|im_end|>"),
    ("claude-3-5-haiku", "x </s>", "x </s>"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "answer", "expected"), TOKENS)
def test_only_the_models_own_tokens_end_an_answer(model: str, answer: str, expected: str) -> None:
    assert completed("python", "a = |\n", answer, model) == expected


EXPLAINED = [
    ("gpt-4.1", "Cuts at `<|im_end|>`.\n\nElse whole."),
    ("qwen2.5:7b", "Cuts at `<|im_end|>`.\n\nElse whole."),
    ("qwen2.5:7b", "Cuts at <|im_end|> and returns.\n\nElse whole."),
    ("mistral-small", f"Joins:\n\n{F}\n<s>[INST] a [/INST] b</s>\n{F}\n\nThe last is `</s>`."),
    ("deepseek-reasoner", "Everything up to </think> goes; `<think>` alone stays."),
    ("llama3.1", "Uses █ as a block, and [CURSOR] as a mark."),
    ("phi-4", f"Writes\n\n{F}\n<|user|>\nhi<|end|>\n{F}\n\nand waits."),
]


@pytest.mark.parametrize(("model", "answer"), EXPLAINED)
def test_an_explanation_may_speak_of_tokens(model: str, answer: str) -> None:
    tokens = control_tokens(Profile("m", "openai", model))
    assert clean_prose(answer, tokens).replace("&lt;", "<") == answer


@pytest.mark.parametrize(
    ("model", "answer", "expected"),
    [
        ("qwen3:8b", "Adds.<|im_end|>", "Adds."),
        ("qwen3:8b", "Adds.<|im_end|>\n<|im_start|>user\nmore", "Adds."),
        ("llama3.1", "Adds.<|eot_id|>", "Adds."),
        ("gemma-4-12b-it", "Adds.<turn|>\n<|turn>user\nmore", "Adds."),
        ("mistral-small", "Adds.</s>", "Adds."),
        ("qwq", "Okay, the user.\n</think>\n\nAdds.", "Adds."),
        ("magistral", "<think>\nOkay.\n</think>\nAdds.", "Adds."),
    ],
)
def test_an_explanation_ends_at_the_models_own_token(
    model: str, answer: str, expected: str
) -> None:
    assert clean_prose(answer, control_tokens(Profile("m", "openai", model))) == expected


GENERATED = {
    "module-docstring": ("python", '"""Copy.\n\nUsage:\n    copy A B\n\nOutput: none.\n"""\nimport os'),
    "numpy-docstring": (
        "python",
        'def f(a):\n    """Add.\n\n    Notes\n    -----\n    This function is slow.\n\n    Note: it is.\n    """\n'
        "    return a",
    ),
    "comment-header": ("python", "# Usage: f(1)\n\n# Note: slow\ndef f(a):\n    return a"),
    "jsdoc": ("javascript", "/**\n * Adds.\n *\n * Note: slow.\n */\nfunction f() {\n  return 1;\n}"),
    "js-template": (
        "javascript",
        "const help = `Copy.\n\nUsage: copy A B\n\nThis function needs rights.\n`;",
    ),
    "java-text-block": (
        "java",
        'String a = """\nHelp.\n\nUsage: run.\n\nThis code is free.\n""";',
    ),
    "php-heredoc": ("php", "<?php\n$a = <<<END\nHelp.\n\nUsage: run.\n\nThis code is free.\nEND;"),
    "ruby-heredoc": ("ruby", "A = <<~END\n  Help.\n\nUsage: run.\n\nThis code is free.\nEND"),
    "shell-heredoc": ("shellscript", "cat <<EOF\nHelp.\n\nNote: run it.\n\nThis script is free.\nEOF\nexit 1"),
    "yaml-keys": ("yaml", "a:\n  b: 1\n\nUsage:\n  - c\n\nOutput: d"),
    "yaml-block": ("yaml", "a: |\n  Text.\n\nNotes: |\n  This code is free."),
    "toml": ("toml", '[a]\nb = 1\n\n[Notes]\nc = "This code is free."'),
    "rust-doc": ("rust", "/// Adds.\n///\n/// Note: slow.\nfn f() {}"),
    "go-doc": ("go", "// F adds.\n//\n// Note: slow.\nfunc F() {}"),
    "c-comment": ("c", "/*\n\nUsage: f()\n\nThis function is slow.\n*/\nint f(void);"),
    "markdown": ("markdown", "# T\n\nUsage: run it.\n\nThis code is free.\n\n## Notes:\n\nNone."),
    "sql": ("sql", "-- This code is slow.\nSELECT 1;\n\n-- Note: one row.\nSELECT 2;"),
    "html": ("html", "<p>\nA.\n\nNote: this page is old.\n\nThis code is free.\n</p>"),
    "css": ("css", "a { color: red; }\n\n/* Note: red. */\nb { color: blue; }"),
    "latex": ("latex", "\\section{A}\n\nNote: this is old.\n\nThis code is free."),
}  # fmt: skip


@pytest.mark.parametrize("name", GENERATED)
def test_generated_code_is_not_cut_where_it_speaks(name: str) -> None:
    language, answer = GENERATED[name]
    assert clean_code(answer, language=language) == answer
    fenced = f"Here is the code:\n\n{F}{language}\n{answer}\n{F}\n\nThis code does it."
    if language not in ("markdown", "latex", "yaml"):
        assert clean_code(fenced, language=language) == answer


WRAPPERS = [
    *("<result>\nf(1)\n</result>", "<code_completion>f(1)</code_completion>", "<fim>f(1)</fim>"),
    *(
        "<response>f(1)</response>",
        "<python>f(1)</python>",
        "<generated_code>\nf(1)\n</generated_code>",
    ),
    *(f"<output>\n{F}python\nf(1)\n{F}\n</output>", "<answer><code>f(1)</code></answer>"),
    *(
        "[ANSWER]f(1)[/ANSWER]",
        "[PYTHON]\nf(1)\n[/PYTHON]",
        "<COMPLETION>\nf(1)",
        "f(1)\n</answer>",
    ),
    *("<before>f(1)</before>", "f(1)</before>\n<after>\ny\n</after>", "f(1)<|CURSOR|>"),
    *(f"{F}\nf(1){F}", f"{F}python\nf(1)\n{F}", f"{F}py f(1){F}", "~~~\nf(1)\n~~~", "`f(1)`"),
    *("Completion:\nf(1)", "Code: f(1)", "Final answer: f(1)", "**Answer:** `f(1)`"),
    *(f"Answer:\n\n{F}\nf(1)\n{F}", f"Output:\n{F}\nf(1)\n{F}", "Here's the completion: f(1)"),
    *("f(1)\n\n---\n\nExplanation: it calls f.", "f(1)\n\nI called f because it is short."),
]


@pytest.mark.parametrize("multiline", [True, False])
@pytest.mark.parametrize("answer", WRAPPERS)
def test_one_answer_in_many_wrappers(answer: str, multiline: bool) -> None:
    assert completed("python", "x = |\n", answer, multiline=multiline) == "f(1)"


IN_PLACE = [
    ("yaml", "stop:\n  |\n", "- <|im_end|>\n  - <|endoftext|>", "qwen2.5-coder:7b"),
    ("python", "t = f'|'\n", "<|im_start|>{x}<|im_end|>", "qwen2.5-coder:7b"),
    ("python", "t = x.strip('|')\n", "<|im_end|>", "qwen2.5-coder:7b"),
    ("javascript", "t = |\n", "`\n<|im_start|>user\nhi<|im_end|>\n`;", "qwen2.5-coder:7b"),
    ("python", "# |\n", "ends with <|im_end|> here", "qwen2.5-coder:7b"),
    ("markdown", "|\n", "| `</s>` | end |\n| `[INST]` | start |", "mistral-7b"),
    ("toml", "|\n", "[SUFFIX]\nb = 1", "codestral-latest"),
    ("shellscript", "case $x in\n  |\nesac\n", "[PREFIX]) f ;;", "codestral-latest"),
    ("rust", "html! {\n    |\n}\n", "<code>{ x }</code>", "gpt-4o"),
    ("php", "<p>|</p>\n", "<code>x</code>", "gpt-4o"),
    ("csharp", "/// |\nvoid F() {}\n", "<code>F()</code>", "gpt-4o"),
    ("swift", "f(|)\n", "output: x", "gpt-4o"),
    ("ini", "[a]\n|\n", "Note = This code is old.\nOutput = x", "gpt-4o"),
    ("shellscript", "cat <<EOF\n|\nEOF\n", "Usage: x\n\nThis script is free.", "gpt-4o"),
]


@pytest.mark.parametrize(("language", "place", "answer", "model"), IN_PLACE)
def test_what_belongs_to_the_place_stays(
    language: str, place: str, answer: str, model: str
) -> None:
    assert completed(language, place, answer, model) == answer


MORE_GENERATED = [
    ("lua", "local a = [[\nUsage: x\n\nThis code is free.\n]]"),
    ("haskell", "{-\nUsage: x\n\nThis code is free.\n-}\nf = 1"),
    ("swift", 'let a = """\nUsage: x\n\nThis code is free.\n"""'),
    ("rust", 'const A: &str = "\nUsage: x\n\nThis code is free.\n";'),
    ("perl", "my $a = <<'END';\nUsage: x\n\nThis code is free.\nEND\nprint $a;"),
    ("csharp", 'var a = @"\nUsage: x\n\nThis code is free.\n";'),
    ("dockerfile", "# Usage: docker build\nFROM a\n\n# Note: this is slow\nRUN x"),
    ("c", "#include <a.h>\n\nint main(int argc, char **argv)"),
    ("lua", "f()\n\nfunction g.h(a, b, c, d)"),
]


@pytest.mark.parametrize(("language", "code"), MORE_GENERATED)
def test_code_with_sentences_or_unfinished_code_is_not_talk(language: str, code: str) -> None:
    assert clean_code(code, language=language) == code
