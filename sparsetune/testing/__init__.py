"""Conformance suites and toys, also for methods, models and data sets of one's own.

Imports whatever it tests; no other room imports it.
"""
