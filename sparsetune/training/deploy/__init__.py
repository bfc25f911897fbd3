"""Trained networks as others use them: what they take and give, files that others load, how fast they answer.

Imports what else builds networks in ``training``; ONNX where a file of it is asked for.
"""
