"""A trial's rows as the files of AST's original."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.base.messages import Row
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.left.results import final_results, json_lines, read_json_lines

HISTORY = {
    "epoch", "train_acc", "val_acc", "energy_savings", "activation_rate", "time_min", "threshold", "step_time_ms",
    "est_energy_kj", "est_flops_g",
}  # fmt: skip
TOTALS = {"est_energy_kj_total", "est_flops_g_total"}


def test_an_ast_trial_has_the_fields_of_the_original() -> None:
    trainer, metrics = run_through(trial_config("ast", epochs=3, metrics={"gpu_tdp_watts": 150.0}))
    found = json.loads(json.dumps(final_results(trainer.record, metrics), allow_nan=False))
    original = {"best_accuracy", "total_time_hours", "epochs_completed", "training_history"}
    assert set(found) == original | TOTALS | {"metrics"}
    assert set(found["training_history"]) == HISTORY
    assert {len(values) for values in found["training_history"].values()} == {3}
    assert all(isinstance(value, float | int) for values in found["training_history"].values() for value in values)
    assert found["metrics"] == metrics
    rows = [row.metrics for row in trainer.record]
    assert found["training_history"]["epoch"] == [0, 1, 2]
    assert found["training_history"]["val_acc"] == [row["val_accuracy"] for row in rows]
    assert found["training_history"]["train_acc"] == [row["train_accuracy"] for row in rows]
    for name in HISTORY - {"epoch", "train_acc", "val_acc"}:
        assert found["training_history"][name] == [row[name] for row in rows]
    assert found["best_accuracy"] == max(row["val_accuracy"] for row in rows)
    assert found["epochs_completed"] == 3
    assert found["total_time_hours"] == rows[-1]["time_min"] / 60
    assert found["est_energy_kj_total"] == rows[-1]["est_energy_kj"]
    assert found["est_flops_g_total"] == rows[-1]["est_flops_g"]


def test_what_a_trial_lacks_is_null() -> None:
    trainer, metrics = run_through(trial_config("dense", epochs=2))
    found = final_results(trainer.record, metrics)
    assert set(found["training_history"]) == HISTORY
    assert found["training_history"]["threshold"] == [None, None]
    assert found["training_history"]["est_energy_kj"] == [None, None]
    assert found["est_energy_kj_total"] is None
    assert found["est_flops_g_total"] == metrics["est_flops_g"]


def test_the_best_accuracy_is_the_highest_not_that_of_the_lowest_loss() -> None:
    rows = [
        Row(epoch, 0, {"val_accuracy": accuracy, "val_loss": loss, "time_min": 6.0 * epoch})
        for epoch, accuracy, loss in ((1, 0.5, 1.0), (2, 0.9, 2.0), (3, 0.8, 0.5))
    ]
    found = final_results(rows, {})
    assert (found["best_accuracy"], found["total_time_hours"], found["epochs_completed"]) == (0.9, 0.3, 3)


def test_no_rows() -> None:
    found = final_results([], {})
    assert (found["best_accuracy"], found["total_time_hours"], found["epochs_completed"]) == (None, 0.0, 0)
    assert set(found["training_history"]) == HISTORY
    assert all(values == [] for values in found["training_history"].values())


NUMBERS = st.floats(allow_nan=False)
ROWS = st.lists(
    st.builds(
        Row,
        st.integers(1, 10**6),
        st.integers(0, 2**53),
        st.dictionaries(st.sampled_from(["val_loss", "a.b"]), NUMBERS),
    )
)


@settings(deadline=None)
@given(rows=ROWS)
def test_json_lines_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    path = tmp_path_factory.mktemp("lines") / "rows.jsonl"
    path.write_text(json_lines(rows))
    assert read_json_lines(path) == tuple(rows)
    assert len(path.read_text().splitlines()) == len(rows)


def test_json_lines_of_a_trial(tmp_path: Path) -> None:
    trainer, _ = run_through(trial_config("ast", epochs=2))
    path = tmp_path / "rows.jsonl"
    path.write_text(json_lines(trainer.record))
    assert read_json_lines(path) == tuple(trainer.record)
    first = json.loads(path.read_text().splitlines()[0])
    assert first["epoch"] == 1
    assert first["timestamp_ms"] == trainer.record[0].timestamp_ms
    assert math.isfinite(first["threshold"])


def test_no_file(tmp_path: Path) -> None:
    assert read_json_lines(tmp_path / "rows.jsonl") == ()
