"""What a training leaves: checkpoints, results, weights, tickets, and networks rebuilt from them.

Imports what else is in ``training``.
"""
