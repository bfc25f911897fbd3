"""Bare training in one process: `python -m harness.bare TRIALS METHOD`; the parent starts two at once."""

from __future__ import annotations

import sys
import time

import torch

from harness.training import HIGHEST, LOWEST, digits, train


def main(trials: int, method: str) -> None:
    torch.set_num_threads(1)
    data = digits()
    for number in range(trials):
        lr = LOWEST * (HIGHEST / LOWEST) ** (number / trials)
        for _ in train(lr, data, method):
            pass
        print(time.time(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
