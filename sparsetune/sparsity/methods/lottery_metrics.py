"""The numbers of lottery tickets. Torch-free, for listings read them without the method's code."""

from sparsetune.config.metrics import Metric

METRICS = (
    Metric("matching_density", "fraction", "minimize", "end",
        "the least density of the run's levels whose val_accuracy, at the lowest val_loss, is at most "
        "method.matching_tolerance below the dense network's; 1 where no pruned level's is. A bad dense network is "
        "easily matched: a study that minimises it wants a constraint on dense_val_accuracy",
        task="classification", short="least density whose accuracy matches the dense network's", beside=True),
    Metric("dense_val_accuracy", "fraction", "maximize", "end",
        "val_accuracy of the dense network, at its lowest val_loss", task="classification"),
    Metric("matching_val_accuracy", "fraction", "maximize", "end",
        "val_accuracy of the level that matching_density is of, at its lowest val_loss", task="classification",
        short="fraction of validation samples that the network of that density gets right", beside=True),
    Metric("matching_test_accuracy", "fraction", "maximize", "end",
        "test_accuracy of the same network; never selects anything", task="classification"),
)  # fmt: skip
