"""Values that change over training."""


def ramp(epoch: int, over: int) -> float:
    """A linear rise to 1: ``(epoch + 1) / over`` in epoch 0, 1, ..., then 1; always 1 if ``over`` is 0."""
    return 1.0 if over == 0 else min(1.0, (epoch + 1) / over)
