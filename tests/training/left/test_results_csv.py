"""The table of a run's epochs, by hand."""

import json

import pytest

from sparsetune.base.messages import Metrics, Row
from sparsetune.training.left.results_csv import results_csv, results_units

HEADER = "epoch,val_acc,test_acc,model_size,aPE,ECE,FLOPs,MACs"


def said(accuracy: float, size: float, **more: float) -> Metrics:
    return {"val_accuracy": accuracy, "bytes_bitmask": size, "ece": 0.25, "flops": 2e10, "macs": 1e10, **more}


ROWS = [Row(1, 0, said(0.5, 100.0, ape=1.5)), Row(2, 0, said(0.75, 90.0, ape=2.25))]
END: Metrics = {**ROWS[1].metrics, "test_accuracy": 0.7}


def test_by_hand() -> None:
    assert results_csv(ROWS, said(0.1, 110.0, ape=0.125), END).splitlines() == [
        HEADER,
        "0,0.1,,110,0.125,0.25,20000000000,10000000000",
        "1,0.5,,100,1.5,0.25,20000000000,10000000000",
        "2,0.75,0.7,90,2.25,0.25,20000000000,10000000000",
    ]


def test_a_seed_and_a_mask_are_the_size_where_the_method_has_that() -> None:
    seeded = {"bytes_seed_mask": 33.0}
    rows = [Row(1, 0, {**said(0.5, 100.0), **seeded})]
    end = {**rows[0].metrics, "test_accuracy": 1 / 3}
    assert results_csv(rows, {**said(0.1, 110.0), **seeded}, end).splitlines()[1:] == [
        "0,0.1,,33,,0.25,20000000000,10000000000",
        "1,0.5,0.3333333333333333,33,,0.25,20000000000,10000000000",
    ]
    assert json.loads(results_units(end, last=1, kept=1))["model_size"]["name"] == "bytes_seed_mask"
    assert json.loads(results_units(END, last=2, kept=2))["model_size"]["name"] == "bytes_bitmask"


def test_test_data_have_one_number_whatever_a_row_says() -> None:
    rows = [Row(1, 0, said(0.5, 1.0, test_accuracy=0.9)), Row(2, 0, said(0.5, 1.0, test_accuracy=0.9))]
    cells = [line.split(",")[2] for line in results_csv(rows, {"test_accuracy": 0.9}, END).splitlines()]
    assert cells == ["test_acc", "", "", "0.7"]


def test_what_is_not_known_is_empty() -> None:
    """A start without a finite loss has no more numbers than that."""
    first = results_csv(ROWS, {"val_accuracy": 0.1, "val_loss": float("nan")}, END).splitlines()[1]
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
    told = json.loads(results_units(END, last=2, kept=kept))
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
