"""All checks, the quick ones first: the last two import torch."""

from __future__ import annotations

from sparsetune.base.paths import Project
from sparsetune.doctor.cluster import ray
from sparsetune.doctor.finding import Check, Finding
from sparsetune.doctor.gpus import gpus
from sparsetune.doctor.machine import cpus, disk_of_ray, home, open_files, shared_memory, terminal
from sparsetune.doctor.project import data_sets, drivers, project_root, results, shelf
from sparsetune.doctor.software import packages, python
from sparsetune.doctor.stores import mlflow_store, storage

CHECKS: dict[str, Check] = {
    "Python": python,
    "packages": packages,
    "terminal": terminal,
    "home": home,
    "project": project_root,
    "results": results,
    "shelf": shelf,
    "drivers": drivers,
    "storage": storage,
    "MLflow": mlflow_store,
    "Ray": ray,
    "Ray's disk": disk_of_ray,
    "shared memory": shared_memory,
    "open files": open_files,
    "CPUs": cpus,
    "data": data_sets,
    "GPUs": gpus,
}


def carry_out(what: str, check: Check, project: Project | None) -> list[Finding]:
    """The findings of a check; one that raises is a problem itself."""
    try:
        return list(check(project))
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        mend = "if a package does not load, install it again; else this is a fault of SparseTune"
        return [Finding("problem", what, f"cannot be checked: {type(error).__name__}: {reason}", mend)]
