"""How fast and how good, measured: run one by name, ``python -m tests.benchmarks.figures``; each prints its table."""
