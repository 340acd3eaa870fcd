"""How languages write code: grammars and trees, kinds of nodes, indentation."""
