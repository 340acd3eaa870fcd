"""The fitted table of agreement for code; made by ``python -m benchmarks.ensemble --fit``."""

from __future__ import annotations

from .agreement import CalibrationTable

CODE_TABLE = CalibrationTable(
    coefficients=(-0.5676, -0.5456, -0.6045, 2.0889, 0.9233, -0.9961, 0.5739),
    slope=1.2,
    low=0.005,
    high=0.832,
    source="half of the tasks of ClassEval (classes and methods, 11 models) and HumanEval (CodeGen-16B)",
)
