"""Measure models on the user's own code, and report from that and from the history.

``comparison.compare`` is a whole run: files give cases (code with a hole), scenarios turn them into prompts, every
model is asked in parallel within a budget, answers are scored against the original code, and a summary becomes a
page.
"""
