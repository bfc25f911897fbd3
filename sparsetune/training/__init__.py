"""Trains one trial: the loop, the walk through a method's stages, checkpoints, results.

Imports ``data``, ``models``, ``measures``, ``sparsity``, ``config``, ``base``; of libraries torch alone.
"""
