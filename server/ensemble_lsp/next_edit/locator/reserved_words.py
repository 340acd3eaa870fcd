"""Reserved words, which are never the user's own names: keywords and built-in types of all languages."""

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
