"""Benchmarks; each prints a table and writes JSON to ``artifacts/``.

``make bench`` runs those that ``__main__`` lists.
"""
