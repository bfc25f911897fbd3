"""What everything stands on: messages, errors, paths, files and databases, seeds, durations, how text looks.

Imports nothing of the other rooms, and no heavy library.
"""
