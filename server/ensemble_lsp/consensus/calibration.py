"""The fitted table of agreement for code; made by ``python -m benchmarks.ensemble --fit``."""

from __future__ import annotations

from .agreement import CalibrationTable

CODE_TABLE = CalibrationTable(
    coefficients=(-0.5367, -0.5697, -0.6279, 2.0746, 0.927, -1.002, 0.5507),
    slope=1.2,
    low=0.005,
    high=0.832,
    source="half of the tasks of ClassEval (classes and methods, 11 models) and HumanEval (CodeGen-16B)",
)
