"""The families of models that predict edits: one file each has the prompt and reads the answer."""

from __future__ import annotations

from ...models.edit_formats import AUTO, edit_format_of
from ...syntax.trees import Trees
from ..prompting import EditPrompt, EditRequest, Family
from ..region import choose_region
from . import chat_rewrite, instinct, mercury, sweep, zeta, zeta2, zeta21

FAMILIES: tuple[Family, ...] = tuple(
    module.FAMILY for module in (zeta, zeta2, zeta21, sweep, instinct, mercury, chat_rewrite)
)
CHAT = chat_rewrite.FAMILY
_MARKUP = 4000
"""Characters of a prompt's own instructions and tags, at most."""


def family_of(model: str, setting: str = AUTO, *, chats: bool = False) -> Family | None:
    """Return the family of a model: by the setting, else by its id, else ``chat`` if it chats.

    ``None`` for a model that does not do this task, such as one that only fills in the middle.
    """
    return family_named(edit_format_of(model, setting, chats=chats))


def family_named(name: str) -> Family | None:
    """Return a family by its name, which is also the name of its format."""
    return next((family for family in FAMILIES if family.name == name), None)


def edit_prompt(
    request: EditRequest, family: Family, trees: Trees | None = None
) -> EditPrompt | None:
    """Return the prompt of a family.

    ``None`` if the region has the family's control texts, or lines too long for the request's limit.
    """
    region = choose_region(request.document, request.cursor, family.size, trees)
    if not family.may_show(request.lines(region)):
        return None
    prompt = family.render(request, region)
    size = len(prompt.rendered.text) + len(prompt.rendered.system) + len(prompt.rendered.user)
    return prompt if size <= request.characters + _MARKUP else None
