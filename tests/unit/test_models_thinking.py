"""Thinking: the switch for each task, the room for a thought, and thoughts that come as text."""

from __future__ import annotations

import pytest

from ensemble_lsp.models.thinking import STARVED, Switch, ThoughtFilter, plan_thinking
from ensemble_lsp.models.token_estimates import THINKING_TOKENS
from ensemble_lsp.providers.openai.thinking_switches import switches_for
from ensemble_lsp.types import Task

OFF = Switch("off", "off", {"think": False})
MINIMAL = Switch("minimal", "low", {"effort": "minimal"})
LOW = Switch("low", "low", {"effort": "low"})
ALL = (OFF, MINIMAL, LOW)


@pytest.mark.parametrize(
    ("task", "setting", "facts", "thinks", "switch", "room"),
    [
        ("complete", "auto", (), False, None, False),
        ("complete", "auto", (), True, OFF, True),
        ("complete", "auto", ("quiet off",), True, OFF, False),
        ("complete", "auto", ("no off",), True, MINIMAL, True),
        ("complete", "auto", ("no off", "no minimal", "no low"), True, None, True),
        ("explain", "auto", (), True, LOW, True),
        ("explain", "auto", ("no low", "no minimal"), True, None, True),
        ("explain", "auto", ("no low", "no minimal", STARVED), True, OFF, True),
        ("explain", "off", (), False, OFF, True),
        ("complete", "low", (), False, LOW, True),
        ("generate", "low", ("no low", "no minimal"), False, OFF, True),
    ],
)
def test_the_switch_follows_task_setting_and_facts(
    task: Task,
    setting: str,
    facts: tuple[str, ...],
    thinks: bool,
    switch: Switch | None,
    room: bool,
) -> None:
    plan = plan_thinking(ALL, frozenset(facts), task, setting, thinks)
    assert (plan.switch, plan.room) == (switch, room)


def test_a_plan_adds_parameters_text_and_room() -> None:
    no_think = Switch("text", "off", text="/no_think")
    body = {"messages": [{"role": "user", "content": "a"}], "max_tokens": 64}
    changed = plan_thinking((no_think,), frozenset(), "complete", "auto", True).apply(body)
    assert changed["messages"][-1]["content"] == "a\n/no_think"
    assert changed["max_tokens"] == 64 + THINKING_TOKENS
    assert body["max_tokens"] == 64


@pytest.mark.parametrize(
    ("model", "url", "local", "first"),
    [
        ("qwen3-max", "https://dashscope.aliyuncs.com/compatible-mode/v1", False, "enable_thinking=false"),
        ("glm-4.6", "https://openrouter.ai/api/v1", False, "reasoning=off"),
        ("glm-4.6", "https://api.z.ai/api/paas/v4", False, "thinking=disabled"),
        ("qwen/qwen3-32b", "https://api.groq.com/openai/v1", False, "reasoning_effort=none"),
        ("openai/gpt-oss-120b", "https://api.groq.com/openai/v1", False, "reasoning_effort=low"),
        ("gpt-5-mini", "https://api.openai.com/v1", False, "reasoning_effort=minimal"),
        ("gpt-5.1", "https://api.openai.com/v1", False, "reasoning_effort=none"),
        ("o4-mini", "https://api.openai.com/v1", False, "reasoning_effort=low"),
        ("qwen3:8b", "http://127.0.0.1:11434/v1", True, "reasoning_effort=none"),
        ("Qwen/Qwen3-14B", "http://127.0.0.1:8000/v1", True, "chat_template_kwargs"),
    ],
)  # fmt: skip
def test_the_first_switch_is_the_services_own(
    model: str, url: str, local: bool, first: str
) -> None:
    assert switches_for(model, url, local)[0].name == first


def read(*pieces: str) -> tuple[str, bool]:
    thoughts = ThoughtFilter()
    text = "".join(thoughts.feed(piece) for piece in pieces) + thoughts.rest()
    return text, thoughts.seen


@pytest.mark.parametrize(
    ("answer", "text", "seen"),
    [
        ("plain text", "plain text", False),
        ("<think>\nhm\n</think>\n\nx = 1", "x = 1", True),
        ("  \n<thought>hm</thought>x", "x", True),
        ("<think>\n\n</think>\n\nx", "x", False),
        ("[THINK]hm[/THINK]x", "x", True),
        ("<|channel>thought\nhm<channel|>x", "x", True),
        ("<|channel>thought\n<channel|>x", "x", False),
        ("<|channel>thoug", "<|channel>thoug", False),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>x", "x", True),
        ("<think>never ends", "", True),
        ('"<think>", "</think>"', '"<think>", "</think>"', False),
        ("<thin", "<thin", False),
        ("<table>", "<table>", False),
        ("\n\n  x", "\n\n  x", False),
        ("<think>" + "hm " * 200 + "</think>x", "x", True),
    ],
)  # fmt: skip
def test_a_thought_at_the_beginning_is_left_out_however_it_is_cut(
    answer: str, text: str, seen: bool
) -> None:
    assert read(answer) == (text, seen)
    assert read(*answer) == (text, seen)
    assert read(*(answer[n : n + 3] for n in range(0, len(answer), 3))) == (text, seen)
