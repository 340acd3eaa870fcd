"""Models measured on the user's own code, and reports of that and of the history.

``compare`` is the whole run. Files give cases (code with a hole), a scenarios makes prompts of them, every
model is asked side by side within a budget, answers are scored against what was really there, and a
summary of it all is drawn as a page.
"""
