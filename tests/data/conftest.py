"""What the tests of this room share."""

from sparsetune.testing.threads import one_thread

__all__ = ["one_thread"]
