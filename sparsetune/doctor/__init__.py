"""Is all here that a study needs? Looks, writes nothing, starts nothing, and says how to mend what it finds.

Imports ``fetch`` and the rooms below ``drive``.
"""
