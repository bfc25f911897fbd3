"""What a person sees while a study runs: a picture on a terminal, lines elsewhere.

Imports ``config`` and ``base``.
"""
