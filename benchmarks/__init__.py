"""Benchmarks: each prints a table and writes JSON into ``artifacts/``. ``make bench`` runs them all."""
