"""How long until SparseTune answers? Seconds over the bare interpreter of `import sparsetune` and `sparsetune --help`.

    python benchmarks/import_time.py [--repeats 15]

New processes take turns; the median of each less that of an interpreter which does nothing is what counts.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

BARE = "python, nothing more"
COMMANDS = {
    BARE: [sys.executable, "-c", "pass"],
    "import sparsetune": [sys.executable, "-c", "import sparsetune"],
    "sparsetune --help": [str(Path(sys.executable).with_name("sparsetune")), "--help"],
}
WANTED = {"import sparsetune": 0.15, "sparsetune --help": 0.4}  # seconds over the bare interpreter


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--repeats", type=int, default=15)
    given = options.parse_args()
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for repeat in range(given.repeats + 1):
        for name, command in COMMANDS.items():
            took = seconds(command)
            if repeat:  # the first round fills the disk cache
                found[name].append(took)
    medians = {name: statistics.median(each) for name, each in found.items()}
    print(f"{BARE:22} {medians[BARE]:.3f} s")
    for name, wanted in WANTED.items():
        spread = f"{min(found[name]):.3f} to {max(found[name]):.3f}"
        print(f"{name:22} {medians[name] - medians[BARE]:.3f} s over that (wanted: under {wanted}; whole: {spread})")


if __name__ == "__main__":
    main()
