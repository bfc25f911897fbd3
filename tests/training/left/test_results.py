"""A trial's rows as the files of published programs."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.base.messages import Metrics, Row
from sparsetune.sparsity.formats import SBCUBE
from sparsetune.sparsity.methods import METRICS
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.left.results import (
    columns_of,
    final_results,
    json_lines,
    read_json_lines,
    results_csv,
    results_units,
)

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


HEADER = "epoch,val_acc,test_acc,model_size,aPE,ECE,FLOPs,MACs"


def said(accuracy: float, size: float, **more: float) -> Metrics:
    return {"val_accuracy": accuracy, "bytes_bitmask": size, "ece": 0.25, "flops": 2e10, "macs": 1e10, **more}


EPOCHS = [Row(1, 0, said(0.5, 100.0, ape=1.5)), Row(2, 0, said(0.75, 90.0, ape=2.25))]
END: Metrics = {**EPOCHS[1].metrics, "test_accuracy": 0.7}


def written(rows: list[Row], start: Metrics, metrics: Metrics) -> str:
    return results_csv(columns_of(SBCUBE, metrics), rows, start, metrics, METRICS)


def explained(metrics: Metrics, *, last: int, kept: int) -> str:
    return results_units(columns_of(SBCUBE, metrics), METRICS, last=last, kept=kept)


def test_a_table_by_hand() -> None:
    assert written(EPOCHS, said(0.1, 110.0, ape=0.125), END).splitlines() == [
        HEADER,
        "0,0.1,,110,0.125,0.25,20000000000,10000000000",
        "1,0.5,,100,1.5,0.25,20000000000,10000000000",
        "2,0.75,0.7,90,2.25,0.25,20000000000,10000000000",
    ]


def test_a_seed_and_a_mask_are_the_size_where_the_method_has_that() -> None:
    seeded = {"bytes_seed_mask": 33.0}
    rows = [Row(1, 0, {**said(0.5, 100.0), **seeded})]
    end = {**rows[0].metrics, "test_accuracy": 1 / 3}
    assert written(rows, {**said(0.1, 110.0), **seeded}, end).splitlines()[1:] == [
        "0,0.1,,33,,0.25,20000000000,10000000000",
        "1,0.5,0.3333333333333333,33,,0.25,20000000000,10000000000",
    ]
    assert json.loads(explained(end, last=1, kept=1))["model_size"]["name"] == "bytes_seed_mask"
    assert json.loads(explained(END, last=2, kept=2))["model_size"]["name"] == "bytes_bitmask"


def test_test_data_have_one_number_whatever_a_row_says() -> None:
    rows = [Row(1, 0, said(0.5, 1.0, test_accuracy=0.9)), Row(2, 0, said(0.5, 1.0, test_accuracy=0.9))]
    cells = [line.split(",")[2] for line in written(rows, {"test_accuracy": 0.9}, END).splitlines()]
    assert cells == ["test_acc", "", "", "0.7"]


def test_what_is_not_known_is_empty() -> None:
    """A start without a finite loss has no more numbers than that."""
    first = written(EPOCHS, {"val_accuracy": 0.1, "val_loss": float("nan")}, END).splitlines()[1]
    assert first == "0,0.1,,,,,,"


@pytest.mark.parametrize(
    ("kept", "of"),
    [
        (2, "the state after epoch 2, as all of the last line"),
        (
            1,
            "the state after epoch 1, which the run keeps (training.keep: best); all else in the last line is of the "
            "state after epoch 2",
        ),
    ],
)
def test_each_column_is_explained(kept: int, of: str) -> None:
    told = json.loads(explained(END, last=2, kept=kept))
    assert ",".join(told) == HEADER
    assert told["test_acc"]["of"] == of
    assert {column: (each["name"], each["unit"]) for column, each in told.items()} == {
        "epoch": ("epoch", "epochs"),
        "val_acc": ("val_accuracy", "fraction"),
        "test_acc": ("test_accuracy", "fraction"),
        "model_size": ("bytes_bitmask", "bytes"),
        "aPE": ("ape", "nats"),
        "ECE": ("ece", "fraction"),
        "FLOPs": ("flops", "FLOP"),
        "MACs": ("macs", "MAC"),
    }
    assert all(each["definition"] for each in told.values())
