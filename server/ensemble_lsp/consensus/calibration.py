"""The fitted table of agreement for code; made by ``python -m benchmarks.ensemble --fit``."""

from __future__ import annotations

from .agreement import CalibrationTable

CODE_TABLE = CalibrationTable(
    coefficients=(-0.8859, 0.9618, 0.1847, -0.0433, 1.5631, 0.741, 0.1764, 0.22, 0.2798, -1.1844),
    edges=(
        0.0181,
        0.0435,
        0.0641,
        0.0855,
        0.1687,
        0.235,
        0.2604,
        0.2811,
        0.2984,
        0.334,
        0.3871,
        0.4308,
        0.4895,
        0.5422,
        0.6135,
        0.678,
        0.7246,
        0.7928,
        0.8835,
    ),
    values=(
        0.005,
        0.0161,
        0.0326,
        0.0777,
        0.1587,
        0.1792,
        0.2079,
        0.2667,
        0.327,
        0.3534,
        0.3832,
        0.5284,
        0.5589,
        0.585,
        0.6583,
        0.6768,
        0.6824,
        0.7485,
        0.8323,
    ),
    source="half of the tasks of ClassEval (classes and methods, 11 models) and HumanEval (CodeGen-16B)",
)
