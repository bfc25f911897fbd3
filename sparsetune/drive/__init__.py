"""Hands out jobs, takes reports, decides: the driver, what it holds of trials that run, and their folders.

Knows the rooms that it drives as protocols; imports ``training``'s names of files, ``config`` and ``base``.
"""
