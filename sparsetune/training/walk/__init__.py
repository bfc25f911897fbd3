"""The walk through a tree of stages: what is one in several branches, where a training stands, what is written down.

Imports the pieces of ``training`` that train and measure, and not the trainer, which walks.
"""
