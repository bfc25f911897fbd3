"""A study file, and how its trials are judged: objectives, constraints, fronts, winners, rows.

Imports the other floors of ``config``, and ``base``.
"""
