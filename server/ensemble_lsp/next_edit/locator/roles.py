"""The role of a name in the code: defined, used, an attribute, a keyword of a call, in a string or a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ...syntax.node_kinds import CLASSES, FUNCTIONS
from ...syntax.trees import ancestors

if TYPE_CHECKING:
    from tree_sitter import Node

Role = Literal["definition", "member", "name", "attribute", "keyword", "text", "comment"]
"""``member`` is the definition of an attribute: a method or a field. ``text`` is a string's."""

_SCOPES = frozenset({*FUNCTIONS, "lambda", "closure_expression", "func_literal"})
_CLASSES = frozenset({*CLASSES, "interface_body"})
_INTERPOLATIONS = frozenset(
    {"interpolation", "template_substitution", "interpolated_expression", "expansion",
     "command_substitution", "simple_expansion"}
)  # fmt: skip
_ATTRIBUTES = frozenset(
    {("attribute", "attribute"), ("member_expression", "property"), ("field_access", "field"),
     ("selector_expression", "field"), ("field_expression", "field"), ("method_invocation", "name"),
     ("member_access_expression", "name"), ("field_initializer", "field"), ("call", "method"),
     ("scoped_identifier", "name"), ("navigation_suffix", ""), ("qualified_type", "name"),
     ("dot_index_expression", "field"), ("method_index_expression", "method")}
)  # fmt: skip
_KEYWORDS = frozenset({("keyword_argument", "name"), ("pair", "key")})
_MEMBERS = frozenset(
    {"property_declaration", "public_field_definition", "property_signature", "method_definition", "method_signature",
     "field_declaration", "method_declaration", "enum_variant", "method_spec", "method_elem",
     "abstract_method_signature", "class_parameter"}
)  # fmt: skip
_NAMED = frozenset(
    {*FUNCTIONS, *CLASSES, "const_item", "const_spec", "default_parameter", "import_specifier",
     "named_expression", "parameter_declaration", "static_item", "type_item", "type_spec",
     "typed_default_parameter", "var_spec", "variable_declarator", "formal_parameter",
     "spread_parameter", "namespace_import", "function_signature", "parameter", "variable_assignment"}
)  # fmt: skip
_PATTERNS = frozenset(
    {"required_parameter", "optional_parameter", "parameter", "let_declaration", "for_expression"}
)
_PARENTS = frozenset(
    {"parameters", "formal_parameters", "closure_parameters", "lambda_parameters",
     "typed_parameter", "as_pattern_target", "import_clause", "tuple_struct_pattern",
     "namespace_import", "class_parameter", "variable_declaration"}
)  # fmt: skip
_LEFT = frozenset(
    {"assignment", "for_statement", "for_in_clause", "for_in_statement", "short_var_declaration",
     "range_clause"}
)  # fmt: skip
_LISTS = frozenset({"pattern_list", "tuple_pattern", "expression_list", "list_pattern"})
_DECLARATORS = frozenset(
    {"array_declarator", "declaration", "field_declaration", "function_declarator",
     "init_declarator", "parameter_declaration", "pointer_declarator", "reference_declarator"}
)  # fmt: skip
"""The nodes of C and C++ around a name that they declare."""
_VARIABLES = frozenset({"assignment_expression", "foreach_statement", "simple_parameter"})
"""The nodes of PHP around a variable that it binds."""
_IMPORTS = frozenset(
    {"import_statement", "import_from_statement", "future_import_statement", "use_declaration",
     "import_spec", "import_declaration", "import_header", "using_directive"}
)  # fmt: skip


def role_of(node: Node) -> Role:
    """Return the role of a leaf of the tree."""
    context = _in_text(node)
    if context is not None:
        return context
    parent = node.parent
    if parent is not None and parent.type == "variable_name":  # PHP's sign and its name
        node, parent = parent, parent.parent
    if parent is None or parent.type == "constructor_declaration":  # its name is its class's
        return "name"
    place = (parent.type, _field_of(parent, node))
    if place in _KEYWORDS:
        return "keyword"
    if _is_definition(node, parent, place[1]):
        return "member" if _is_member(node, parent) else "definition"
    if parent.type == "navigation_expression" and parent.children[0] != node:
        return "attribute"
    if place in _ATTRIBUTES and parent.child_by_field_name("object") != node:
        return _attribute(parent)
    if parent.type == "token_tree":  # Rust's macros are not parsed
        before = node.prev_sibling
        return "attribute" if before is not None and before.type == "." else "name"
    if parent.type == "literal_element" and (key := parent.parent) is not None:
        return "attribute" if key.children[0] == parent and key.type == "keyed_element" else "name"
    return "name"


def scope_of(node: Node) -> Node | None:
    """Return the innermost function around a node, not the one that the node names."""
    for each in ancestors(node.parent):
        if each.type in _SCOPES and not _is_name_of(each, node):
            return each
    return None


def _is_name_of(function: Node, node: Node) -> bool:
    """Return whether a function has this name; C has it in the innermost of its declarators."""
    named = function
    while (inner := named.child_by_field_name("declarator")) is not None:
        named = inner
    return node in (named, function.child_by_field_name("name"))


def is_import(node: Node) -> bool:
    """Return whether a node is part of an import."""
    return any(each.type in _IMPORTS for each in ancestors(node))


def _attribute(parent: Node) -> Role:
    """A method call in Java and Ruby has its name in the same field, with or without an object."""
    bare = parent.type in ("method_invocation", "call")
    receiver = parent.child_by_field_name("object") or parent.child_by_field_name("receiver")
    return "name" if bare and receiver is None else "attribute"


def _in_text(node: Node) -> Role | None:
    for each in ancestors(node):
        if each.type in _INTERPOLATIONS:
            return None
        if "comment" in each.type:
            return "comment"
        if "string" in each.type or each.type in ("char_literal", "regex", "jsx_text"):
            return "text"
    return None


def _is_definition(node: Node, parent: Node, field: str) -> bool:
    kind = parent.type
    if field == "name" and (kind in _NAMED or kind in _MEMBERS):
        return not (kind == "import_specifier" and parent.child_by_field_name("alias"))
    if field == "alias" or kind in _PARENTS:
        return True
    if (field == "declarator" and kind in _DECLARATORS) or kind == "enumerator":
        return True
    if node.type == "variable_name" and kind in _VARIABLES:
        return kind != "assignment_expression" or field == "left"
    if field == "pattern" and kind in _PATTERNS:
        return True
    if kind in ("parameter", "variable_list", "for_statement") and _is_bound_by(
        node, parent, field
    ):
        return True
    if field == "left" and kind in _LEFT:
        return True
    if kind in _LISTS and (over := parent.parent) is not None and over.type in _LEFT:
        return over.child_by_field_name("left") in (parent, None) or over.children[0] == parent
    return _is_imported(node, parent)


def _is_bound_by(node: Node, parent: Node, field: str) -> bool:
    """Return whether a parameter of Kotlin, a local of Lua or a loop of a shell binds the name."""
    if parent.type == "parameter":
        return not field and parent.children[0] == node
    if parent.type == "for_statement":
        return field == "variable"
    owners = [each.type for each in (parent.parent, parent.parent and parent.parent.parent) if each]
    return "for_generic_clause" in owners[:1] or "variable_declaration" in owners


def _is_imported(node: Node, parent: Node) -> bool:
    """Return whether an import binds the name: the last part of a path without an alias."""
    if not is_import(node):
        return False
    if parent.type == "dotted_name":
        over = parent.parent
        bound = over is not None and over.child_by_field_name("module_name") != parent
        named = (
            parent.children[0] if over and over.type == "import_statement" else parent.children[-1]
        )
        return bound and named == node and over is not None and over.type != "aliased_import"
    if parent.type == "scoped_identifier":
        return parent.child_by_field_name("name") == node and _ends_path(parent)
    return parent.type == "use_list"


def _ends_path(node: Node) -> bool:
    over = node.parent
    return over is not None and over.child_by_field_name("path") != node


def _is_member(node: Node, parent: Node) -> bool:
    if parent.type in _MEMBERS:
        return True
    for each in ancestors(parent):
        if each.type in _CLASSES and each.parent is not None:  # Python's root is a "module" too
            return parent.type not in CLASSES and scope_of(node) is None
        if each.type in _SCOPES and not _is_name_of(each, node):
            return False
    return False


def _field_of(parent: Node, node: Node) -> str:
    for index, child in enumerate(parent.children):
        if child == node:
            return parent.field_name_for_child(index) or ""
    return ""
