"""Rows of studies as tables, files and figures.

Imports ``config`` and ``base``.
"""
