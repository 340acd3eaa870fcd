"""The node types of functions, classes, calls and their parts, in all grammars."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

SymbolKind = Literal["function", "class", "call"]

FUNCTIONS = (
    "arrow_function",
    "constructor_declaration",
    "destructor_declaration",
    "function_declaration",
    "function_definition",
    "function_expression",
    "function_item",
    "function_signature_item",
    "generator_function",
    "generator_function_declaration",
    "local_function_statement",
    "method",
    "method_declaration",
    "method_definition",
    "secondary_constructor",
    "singleton_method",
)
CLASSES = (
    "abstract_class_declaration",
    "class",
    "class_declaration",
    "class_definition",
    "class_specifier",
    "enum_declaration",
    "enum_item",
    "enum_specifier",
    "impl_item",
    "interface_declaration",
    "module",
    "object_declaration",
    "record_declaration",
    "struct_declaration",
    "struct_item",
    "struct_specifier",
    "trait_declaration",
    "trait_item",
    "type_alias_declaration",
    "type_declaration",
)
SYMBOL_KINDS: Mapping[str, SymbolKind] = MappingProxyType(
    {**dict.fromkeys(FUNCTIONS, "function"), **dict.fromkeys(CLASSES, "class")}
)
CALLS = frozenset(
    {
        "call",
        "call_expression",
        "command",
        "function_call",
        "function_call_expression",
        "invocation_expression",
        "macro_invocation",
        "member_call_expression",
        "method_invocation",
        "new_expression",
        "object_creation_expression",
        "scoped_call_expression",
    }
)
CALLEES = ("function", "method", "name", "macro", "constructor", "type")
ARGUMENTS = frozenset({"argument_list", "arguments", "value_arguments", "token_tree"})
BODIES = frozenset(
    {
        "block",
        "class_body",
        "enum_class_body",
        "function_body",
        "body_statement",
        "declaration_list",
    }
)
WRAPPERS = frozenset(
    {
        "assignment_statement",
        "decorated_definition",
        "export_statement",
        "lexical_declaration",
        "variable_declaration",
        "variable_declarator",
    }
)
