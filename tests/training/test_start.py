"""The first trial of a process starts at once: what it does not need is not imported."""

import subprocess
import sys

CODE = """
import sys
from pathlib import Path
from sparsetune.base.messages import Job, Key
from sparsetune.training.trial import run_trial

SLOW = ("torch._dynamo", "torch._inductor", "sympy", "sklearn", "scipy", "pandas", "torchvision")
for method in ("dense", "ast"):
    for number, optimizer in enumerate(("sgd", "adam", "adamw")):
        training = {"epochs": 2, "optimizer": optimizer, "keep": "best", "device": "cpu"}
        model = {"name": "mlp", "hidden": [8], "dropout": 0.1}
        config = {"method": method, "data": {"name": "digits"}, "model": model, "training": training}
        job = Job(Key(number), config, str(Path(sys.argv[1], method, optimizer)), checkpoint_every="1ep")
        for again in range(2):  # the second goes on from the checkpoint
            *_, last = run_trial(job)
            assert last.outcome.state == "COMPLETE", last.outcome
print([name for name in SLOW if name in sys.modules])
"""


def test_training_loads_neither_torch_s_compiler_nor_scikit_learn(tmp_path) -> None:
    """Each takes a second of every worker's start."""
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
