"""Reserved words, which are never the user's own names: keywords and built-in types of all languages."""

_RESERVED_IN: dict[str, tuple[str, ...]] = {
    "byte": ("c", "cpp", "csharp", "go", "java"),
    "del": ("python",),
    "error": ("go",),
    "except": ("python",),
    "go": ("go",),
    "list": ("python",),
    "loop": ("kotlin", "rust"),
    "match": ("php", "python", "rust"),
    "mod": ("rust",),
    "module": ("ruby",),
    "number": ("javascript", "typescript", "typescriptreact"),
    "object": ("csharp", "kotlin", "python", "typescript", "typescriptreact"),
    "self": ("lua", "php", "python", "ruby", "rust"),
    "set": ("python",),
    "tuple": ("python",),
    "use": ("php", "rust"),
}
"""Words that are ordinary names in all other languages."""
RESERVED = frozenset(
    {"Any", "False", "None", "Self", "True", "and", "any", "as", "assert", "async", "await",
     "bool", "boolean", "break", "byte", "bytes", "case", "catch", "char", "class", "cls", "const",
     "continue", "def", "default", "defer", "del", "dict", "do", "double", "elif", "else", "enum",
     "error", "except", "export", "extends", "f32", "f64", "false", "finally", "float", "fn",
     "for", "from", "func", "function", "global", "go", "i32", "i64", "if", "impl", "import", "in",
     "int", "interface", "is", "lambda", "let", "list", "long", "loop", "match", "mod", "module",
     "mut", "new", "nil", "not", "null", "number", "object", "or", "package", "pass", "private",
     "protected", "pub", "public", "raise", "return", "rune", "self", "set", "short", "signed",
     "static", "str", "string", "struct", "super", "switch", "this", "throw", "trait", "true",
     "try", "tuple", "type", "u32", "u64", "u8", "undefined", "unsigned", "use", "usize", "val",
     "var", "void", "where", "while", "with", "yield"}
)  # fmt: skip


def is_reserved(word: str, language: str) -> bool:
    """Return whether a word is never the user's own name in a language."""
    languages = _RESERVED_IN.get(word)
    return word in RESERVED and (languages is None or language in languages)
