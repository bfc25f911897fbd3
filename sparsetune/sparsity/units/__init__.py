"""Units that have no path: which neurons and channels of a pruned network can go, and what is folded where.

``trace.py`` writes a network down as operations, ``walk.py`` follows what each of them does to units (``flow.py`` is
what is followed, ``operations/`` has the operations), ``paths.py`` decides who goes, ``removal.py`` says it by the
names of tensors, ``fit.py`` does it.

Imports ``torch`` alone.
"""
