"""The fitted table of agreement for code; made by ``python -m benchmarks.ensemble --fit``."""

from __future__ import annotations

from .agreement import Table

CODE = Table(
    coefficients=(-0.9443, 0.9645, 0.0911, -0.0341, 1.6672, 1.0653, -1.122, 0.0863),
    edges=(
        0.0283,
        0.0589,
        0.0825,
        0.1022,
        0.154,
        0.2193,
        0.255,
        0.2741,
        0.2915,
        0.3451,
        0.4223,
        0.4719,
        0.5482,
        0.6218,
        0.6741,
        0.7181,
        0.7847,
        0.8861,
    ),
    values=(
        0.0212,
        0.0306,
        0.0511,
        0.0904,
        0.1317,
        0.1875,
        0.2356,
        0.2739,
        0.2996,
        0.3453,
        0.515,
        0.5711,
        0.5895,
        0.6379,
        0.6866,
        0.7285,
        0.7421,
        0.8123,
    ),
    source="half of the tasks of ClassEval (classes and methods, 11 models) and HumanEval (CodeGen-16B)",
)
