"""How long until SparseTune answers? Seconds over the bare interpreter of `import sparsetune` and `sparsetune --help`.

    python benchmarks/import_time.py [--before FOLDER] [--repeats 15]

New processes take turns; the median of each less that of an interpreter which does nothing is what counts. With
--before the same of a checkout of an earlier commit, in the same turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
BARE = ["-c", "pass"]
ASKED = {  # what is run, and the seconds over the bare interpreter that it may take
    "import sparsetune": (["-c", "import sparsetune"], 0.15),
    "sparsetune --help": (["-m", "sparsetune", "--help"], 0.4),
}


def seconds(arguments: list[str], code: Path) -> float:
    environment = {**os.environ, "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--before", type=Path, help="a checkout of an earlier commit")
    options.add_argument("--repeats", type=int, default=15)
    asked = options.parse_args()
    codes = {"now": HERE, **({"before": asked.before.resolve()} if asked.before else {})}
    took: dict[tuple[str, str], list[float]] = {}
    bare: list[float] = []
    for repeat in range(asked.repeats + 1):
        turn = {(name, which): seconds(ASKED[name][0], code) for name in ASKED for which, code in codes.items()}
        if repeat:  # the first round fills the disk cache
            bare.append(seconds(BARE, HERE))
            for each, time_taken in turn.items():
                took.setdefault(each, []).append(time_taken)
    nothing = statistics.median(bare)
    print(f"{'python, nothing more':30} {nothing:.3f} s")
    for (name, which), times in took.items():
        over, spread = statistics.median(times) - nothing, f"{min(times):.3f} to {max(times):.3f}"
        print(f"{name + ', ' + which:30} {over:.3f} s over that (wanted: under {ASKED[name][1]}; whole: {spread})")


if __name__ == "__main__":
    main()
