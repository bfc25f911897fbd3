"""What is measured of a network and of its training: pure functions with formula, unit and source.

Imports ``config`` and ``base``.
"""
