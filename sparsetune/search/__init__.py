"""Optuna: what to try next, what to stop, and the storage that remembers it all."""
