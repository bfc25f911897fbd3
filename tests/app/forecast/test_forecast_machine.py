"""What a machine has, read from files as Linux writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sparsetune.app.forecast.machine import disks, free_memory, peak_memory
from sparsetune.base.surroundings.processors import processors

GIB = 1 << 30


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with 8 GiB left: its ``proc`` and its ``groups``."""
    write(tmp_path / "proc" / "meminfo", f"MemTotal: 99999999 kB\nMemFree: 5 kB\nMemAvailable: {8 * GIB // 1024} kB\n")
    return tmp_path


def write(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def free(machine: Path) -> int | None:
    return free_memory(machine / "proc", machine / "groups")


def limit(machine: Path, group: str, most: object, used: int, cache: int = 0) -> None:
    folder = machine / "groups" / group
    write(folder / "memory.max", most)
    write(folder / "memory.current", used)
    write(folder / "memory.stat", f"anon 1\ninactive_file {cache}\nactive_file 7")


def test_without_control_groups_the_machine_counts(machine: Path) -> None:
    assert free(machine) == 8 * GIB
    limit(machine, "", "max", GIB)
    assert free(machine) == 8 * GIB


def test_a_container_may_have_less_than_the_machine(machine: Path) -> None:
    limit(machine, "", 4 * GIB, 3 * GIB, cache=GIB)  # what it caches can go
    write(machine / "proc" / "self" / "cgroup", "0::/")
    assert free(machine) == 2 * GIB


def test_the_narrowest_of_a_batch_jobs_groups_counts(machine: Path) -> None:
    write(machine / "proc" / "self" / "cgroup", "1:name=systemd:/x\n0::/slurm/job_7/step_0")
    limit(machine, "slurm/job_7/step_0", "max", GIB)
    limit(machine, "slurm/job_7", 3 * GIB, GIB)
    limit(machine, "slurm", 64 * GIB, 60 * GIB)
    assert free(machine) == 2 * GIB
    limit(machine, "slurm/job_7", 3 * GIB, 4 * GIB)  # over it already
    assert free(machine) == 0


def test_where_nothing_is_known_nothing_is_said(tmp_path: Path) -> None:
    assert free(tmp_path) is None


def test_this_machine_has_memory_and_processors() -> None:
    known = free_memory()
    assert known is None or known > 0
    assert 1 <= processors().usable <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", os.cpu_count()), ("100000 100000", 1), ("50000 100000", 1), ("99900000 100000", os.cpu_count())],
)
def test_a_container_may_have_a_share_of_the_processors(quota: str, expected: int, tmp_path: Path) -> None:
    write(tmp_path / "cpu.max", quota)
    assert processors(groups=tmp_path).usable == expected


HUNGRY = """
import subprocess, sys
kept = bytearray(300 << 20)
kept[::4096] = b"x" * len(kept[::4096])
show = "from sparsetune.app.forecast.machine import peak_memory; print(peak_memory())"
print(subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout)
"""


def test_peak_memory_is_of_the_process_and_not_of_who_started_it() -> None:
    before = peak_memory()
    kept = b"x" * (before + (64 << 20))
    assert peak_memory() >= len(kept)
    done = subprocess.run([sys.executable, "-c", HUNGRY], capture_output=True, text=True, check=True)
    assert 1 << 20 < int(done.stdout) < 300 << 20


def test_what_goes_to_one_file_system_is_added_up(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (found,) = disks({there: 100.0, tmp_path / "not" / "yet": 20.0, tmp_path / "not" / "too": 3.0})
    assert (found.folder, found.need) == (tmp_path, 123.0)
    assert found.free > 0


def test_file_systems_are_told_apart(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one file system")
    assert {disk.folder: disk.need for disk in disks({tmp_path: 1.0, other / "x": 2.0})} == {
        tmp_path: 1.0,
        other / "x": 2.0,
    }
