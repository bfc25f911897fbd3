"""The numbers of AST. Torch-free, for listings read them without its code."""

from sparsetune.config.metrics import Metric, Sound
from sparsetune.sparsity.metrics import ACTIVATION_RATE

THRESHOLD = Metric(
    "threshold",
    "nats",
    None,
    "epoch",
    "mean significance threshold of the epoch's steps, before each update (of the normalised significance with "
    "normalize: ema)",
)

METRICS = (
    ACTIVATION_RATE,
    Metric("energy_savings", "fraction", "maximize", "epoch",
        "1 - activation_rate: the proxy that AST's originals report; it ignores what selection costs"),
    THRESHOLD,
    Metric("controller_error", "fraction", None, "epoch", "mean over steps of activation - target_activation"),
    Metric("steady_state_error", "fraction", None, "end",
        "mean activation of the last half of the controlled steps - target_activation"),
    Metric("tracking_error", "fraction", "minimize", "end",
        "|steady_state_error|: how far off its target the activation stayed",
        sound=Sound(0.05, "the controller did not reach its target, so what they save was not controlled")),
    Metric("activation_std", "fraction", "minimize", "end",
        "standard deviation of the activation over the last half of the controlled steps"),
    Metric("clamp_share", "fraction", "minimize", "end",
        "share of the controlled steps in which the threshold or the integral stood at its limit"),
)  # fmt: skip
