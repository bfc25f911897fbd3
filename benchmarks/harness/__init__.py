"""The four ways to tune one learning rate that ``harness_overhead.py`` compares, each a program of its own."""
