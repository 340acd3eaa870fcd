"""The words of providers' errors: their place in a body, and the patterns that tell what they mean."""

from __future__ import annotations

import json
import re
from typing import Any, cast

# What providers write in ``code`` or ``type``, or else in the message.
CONTEXT = re.compile(
    r"context[ _-]?(length|size|window|limit)|maximum context"
    r"|max\w*[ _](allowed[ _])?(prompt|input|model)[ _](length|tokens?)"
    r"|(prompt|input)( is| was)? too (long|large)|tokens in request more than|range of input length"
    r"|too many (input )?tokens"
    r"|\b(prompt|inputs?)\b[^.]{0,60}\bexceed\w*[^.]{0,40}\b(tokens?|length|limit)\b"
    r"|exceed\w* (the )?(available |model'?s? )?(context|token limit|max\w* (input|prompt|token))"
    r"|`inputs` (tokens \+|must have less than)"
    r"|string_above_max|request_too_large|超长|长度超",
    re.I,
)
QUOTA = re.compile(
    r"insufficient[ _](quota|funds|balance|credit)|exceeded your current quota|billing"
    r"|balance (is )?(insufficient|not enough|too low)|overdue|余额不足|欠费"
    r"|(n't|not) have (any|enough) credits?|budget (has been )?exceeded"
    r"|free ?tier .{0,30}(exhausted|only)|(specified|your) api usage limits?"
    r"|credit balance|payment[ _]required|out of (credits?|extra usage)|spend(ing)? limit",
    re.I,
)
FILTER = re.compile(
    r"content[ _](filter|policy|management)|responsible[ _]?ai|moderation|safety system"
    r"|usage (polic|guideline)|data_inspection_failed|inappropriate content|sensitive[ _]content"
    r"|content exists risk|(prompt|input|content|request) (was|is|has been) flagged|guardrail"
    r"|不安全或敏感|敏感内容",
    re.I,
)
MODEL = re.compile(
    r"model[ _]not[ _]found|model .{0,100}(does not exist|not found|is not available|not exist)"
    r"|(n't|not|no) (have )?access to (the )?model|no such model|unknown model|invalid model"
    r"|not a (chat|completion) model|not a valid model|model identifier is invalid|decommissioned"
    r"|no models? (are |is )?(currently )?loaded|requested model .{0,60}not supported|模型不存在"
    r"|unexpected endpoint",
    re.I,
)
KEY = re.compile(
    r"invalid[ _](api[ _])?(key|token)|authenticat(ion|ed)|permission_error|unauthorized", re.I
)
# In a 400, which may be about anything, only these are about the key.
WRONG_KEY = re.compile(
    r"(invalid|incorrect|wrong|expired|missing)[ _](\w+[ _])?api[ _-]?key"
    r"|api[ _-]?key[ _](is |was |has )?(not valid|invalid|incorrect|wrong|expired|missing|not found)"
    r"|(invalid|missing)[ _](or (invalid|missing) )?authori[sz]ation[ _](header|token)",
    re.I,
)
ABOUT_KEY = re.compile(
    r"\bkey\b|credential|authenticat|unauthori[sz]ed|authori[sz]ation|\btoken\b|令牌", re.I
)
"""Words of a refusal that is about the key. A refusal without any has another cause: a region, a firewall."""
RATE = re.compile(
    r"rate[ _-]?limit|too[ _]many[ _]requests|tokens per min|resource_exhausted|(requests?|tokens) per "
    r"|throttl(ed|ing)|\b[RT]P[MD]\b",
    re.I,
)
TOO_LARGE = re.compile(r"request too large|long context requests", re.I)
"""A request that a limit would refuse at any time."""
# Codes and types about credit; messages about rate limits contain words such as "billing" too.
QUOTA_CODE = re.compile(
    r"insufficient[_ ](user_)?(quota|funds|balance|credits?)|exceeded_current_quota"
    r"|billing_(hard_limit|not_active)|credits?_exhausted|arrearage|payment_required|^1113$"
    r"|free ?tier ?only|overdue",
    re.I,
)
LOADING = re.compile(
    r"loading( the)? model|model( \S+)? is( currently| still)? (loading|starting|being loaded)"
    r"|still loading|is currently loading|warming up",
    re.I,
)
OVERLOADED = re.compile(
    r"overloaded|server[ _]error|api_error|unavailable|internal ?error|timeout_error"
    r"|(over|at|insufficient) capacity",
    re.I,
)

_DELAYS = ("resets_in_seconds", "retry_after", "retry_after_seconds", "retryAfter")
"""Fields of an error with the seconds to wait."""
_FIELDS = (
    "code", "error_code", "type", "status", "message", "msg", "error_msg", "detail", "param",
    "metadata", "details", "errors",
)  # fmt: skip

_MOST = 8000


def words_of(body: Any) -> str:
    """Return code, type and message of an error's body, or the body; at most 8,000 characters.

    Gemini puts the delay after the details of each limit.
    """
    if isinstance(body, list) and body:  # Gemini
        body = cast("list[Any]", body)[0]
    if isinstance(body, dict):
        outer = cast("dict[str, Any]", body)
        inner = outer.get("error", outer)
        table = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {"message": inner}
        parts = [table.get(k) for k in _FIELDS]
        parts += [
            f"retry after {n} s" for k in _DELAYS if isinstance(n := table.get(k), int | float)
        ]
        if isinstance(moment := table.get("resets_at"), int):
            parts.append(f"resets_at: {moment}")
        text = " ".join(p if isinstance(p, str) else json.dumps(p) for p in parts if p)
        return text[:_MOST]
    return "" if body is None else str(body)[:_MOST]


def error_in(event: dict[str, Any]) -> Any:
    """Return the error that an event holds instead of an answer; None without one.

    Besides ``error``, services send its parts at the top (vLLM, Baidu) or in ``base_resp`` (MiniMax).
    """
    if error := event.get("error"):
        return {"error": error}
    state = event.get("base_resp")
    if isinstance(state, dict) and (code := cast("dict[str, Any]", state).get("status_code")):
        message: Any = cast("dict[str, Any]", state).get("status_msg")
        return {"error": {"code": str(code), "message": message}}
    return event if event.get("object") == "error" or event.get("error_code") else None


def complaint_in(event: dict[str, Any]) -> Any:
    """Return an event that holds a message where an answer should be; None for any other.

    Gateways answer this way. It is an error only if no answer comes: it may be a progress report.
    """
    names = ("message", "msg", "detail", "errors")
    found = any(event.get(name) and isinstance(event[name], str | list) for name in names)
    return event if found else None
