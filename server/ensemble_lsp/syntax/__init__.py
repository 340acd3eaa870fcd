"""Syntax: grammars and trees, kinds of nodes, indentation."""
