"""The numbers of lottery tickets. Torch-free, for listings read them without the method's code."""

from sparsetune.config.metrics import Metric

METRICS = (
    Metric("matching_density", "fraction", "minimize", "end",
        "the least density of the run's levels whose val_accuracy, at the lowest val_loss, is at most "
        "method.matching_tolerance below the dense network's; 1 where no pruned level's is",
        task="classification", short="least density whose accuracy matches the dense network's", beside=True),
)  # fmt: skip
