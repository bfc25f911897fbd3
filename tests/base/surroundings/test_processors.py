"""How many processors a process may keep busy, by its affinity and by control groups of both versions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sparsetune.base.surroundings.processors import Processors, processors

HERE = len(os.sched_getaffinity(0))


def groups(root: Path, own: str, **limits: str) -> Processors:
    """What is found where ``/proc/self/cgroup`` and the control groups hold these texts; ``__`` is a slash."""
    files = {f"groups/{name}": text for name, text in limits.items()}
    for name, text in {"proc/self/cgroup": own, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return processors(root / "proc", root / "groups")


@pytest.mark.parametrize(
    ("own", "limits", "quota"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "50000 100000"}, 0.5),
        ("0::/a/b\n", {"a/b/cpu.max": "200000 100000\n", "a/cpu.max": "max 100000\n"}, 2),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "100000 100000\n"}, 1),
        ("0::/a/b\n", {"a/b/cpu.max": "300000 100000\n", "a/cpu.max": "100000 50000\n"}, 2),
        ("0::/docker/0a1b\n", {"cpu.max": "100000 100000\n"}, 1),  # the path is the host's
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        (
            "4:cpu,cpuacct:/job\n",
            {"cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n"},
            2.5,
        ),
        (
            "4:cpu:/docker/0a1b\n1:name=systemd:/\n",
            {"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"},
            1,
        ),
        (
            "0::/x\n4:cpu:/y\n",
            {"cpu/y/cpu.cfs_quota_us": "90000\n", "cpu/y/cpu.cfs_period_us": "90000\n", "x/cpu.max": "400000 100000"},
            1,
        ),
        ("", {}, None),
        ("0::/\n", {"cpu.max": "nonsense\n"}, None),
        ("0::/\n", {"cpu.max": "100000 0\n"}, None),
    ],
)
def test_quotas_of_both_versions(own: str, limits: dict[str, str], quota: float | None, tmp_path: Path) -> None:
    assert groups(tmp_path, own, **limits).quota == quota


def test_without_control_groups(tmp_path: Path) -> None:
    assert processors(tmp_path / "proc", tmp_path / "groups") == (os.cpu_count(), HERE, None)


@pytest.mark.parametrize(
    ("there", "allowed", "quota", "usable"),
    [
        (8, 8, None, 8),
        (8, 2, None, 2),
        (8, 8, 3.0, 3),
        (8, 8, 3.9, 3),
        (8, 8, 0.5, 1),
        (8, 2, 4.0, 2),
        (8, 4, 2.0, 2),
        (8, 8, 16.0, 8),
        (1, 1, 0.01, 1),
        (4, 8, None, 4),
    ],
)
def test_the_least_of_them_counts_in_whole_processors(
    there: int, allowed: int, quota: float | None, usable: int
) -> None:
    assert Processors(there, allowed, quota).usable == usable


@pytest.mark.skipif(HERE < 2, reason="wants two processors")
def test_affinity_bounds_them() -> None:
    """As ``taskset`` and a batch system set it."""
    code = "from sparsetune.base.surroundings.processors import processors; print(processors().usable)"
    one = {min(os.sched_getaffinity(0))}
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {one}); {code}"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("1\n", "")
