"""Is all here that a study needs? Looks, writes nothing, starts nothing, and says how to mend what it finds."""
