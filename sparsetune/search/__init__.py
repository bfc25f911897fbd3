"""Optuna: what to try next, what to stop, and the storage that remembers it all.

Imports ``config`` and ``base``; neither torch, Ray nor MLflow.
"""
