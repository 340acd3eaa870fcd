"""The base of the models of messages, and the parts that several of them share."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel

NonEmpty = Annotated[str, Field(min_length=1)]
ProgressToken = Annotated[str | int, WithJsonSchema({"type": ["string", "integer"]})]


def optional(*, nullable: bool = False, **constraints: Any) -> Any:
    """Declare a field that may be absent from the message; None stands for that in Python only."""
    extra: Any = {"optional": "nullable" if nullable else "never null"}
    return Field(default=None, json_schema_extra=extra, **constraints)


class WireModel(BaseModel):
    """Base of everything on the wire: camelCase keys, no conversion of types."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )


class ClientMessage(WireModel):
    """Base of what clients send: null means that a value is not given; unknown keys are ignored."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {k: v for k, v in cast("dict[str, Any]", data).items() if v is not None}


class ServerMessage(WireModel):
    """Base of what the server sends."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class WirePosition(WireModel):
    """A position in a document, as in LSP."""

    # Some clients send whole numbers as floats.
    line: int = Field(ge=0, strict=False)
    character: int = Field(ge=0, strict=False)


class WireRange(WireModel):
    """A range in a document, as in LSP."""

    start: WirePosition
    end: WirePosition
