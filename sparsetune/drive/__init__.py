"""Hands out jobs, takes reports, decides: the driver, what it holds of trials that run, and their folders.

Knows the rooms that it drives as protocols; imports ``config``, ``base`` and the files that
``training`` leaves.
"""
