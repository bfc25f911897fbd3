"""What trials of a project leave for one another: how stages have ended, named by all that decides it.

Imports ``training/walk`` and what that may import; the trainer asks it.
"""
