"""The processes that Ray keeps warm: each does one job after another, and one that dies is one that died."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import ray
from ray import tune

from sparsetune.base.messages import Job, Work
from sparsetune.execution.worker import perform


@dataclass(frozen=True, repr=False)
class Parcel:
    """A job as Tune carries it: Tune copies and prints all that a trial's config holds, and searches it, some times."""

    job: Job

    def __deepcopy__(self, memo: dict[int, Any]) -> Parcel:
        return self  # nobody changes a job


class Worker(tune.Trainable):
    """Lives in its own process and does one job after another, one report for each call of ``step``."""

    work: Work

    def setup(self, config: dict[str, Any]) -> None:
        if not ray.get_runtime_context().get_accelerator_ids().get("GPU"):
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Ray leaves all of them visible to a trial that asked for none
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        parcel: Parcel = new_config["parcel"]
        self.config = {}  # Tune would send it back with each result
        self._reports = perform(parcel.job, self.work)
        return True

    def step(self) -> dict[str, Any]:
        return {"report": next(self._reports)}

    def cleanup(self) -> None:
        if hasattr(self, "_reports"):
            self._reports.close()
