"""``training.iterations`` instead of ``epochs``, ``evaluate`` and ``keep_row``: what is taken, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sparsetune.base.durations import Duration
from sparsetune.base.errors import BadInput
from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES

PLAIN = {"method": "dense", "data": "digits", "model": "mlp"}


def resolved(**training: Any) -> Any:
    return resolve_trial({**PLAIN, "training": training}, REGISTRIES)


@pytest.mark.parametrize(
    ("training", "length", "cadence"),
    [
        ({}, "20ep", "1ep"),
        ({"epochs": 3}, "3ep", "1ep"),
        ({"iterations": 500}, "500it", "1ep"),
        ({"iterations": 500, "epochs": None, "evaluate": "100it"}, "500it", "100it"),
        ({"epochs": 9, "evaluate": "5 ep"}, "9ep", "5ep"),
    ],
)
def test_what_is_taken(training: dict[str, Any], length: str, cadence: str) -> None:
    config = resolved(**training)
    assert (str(config.training.length), str(config.training.cadence)) == (length, cadence)
    assert resolve_trial(config.plain(), REGISTRIES) == config


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"epochs": 3, "iterations": 50}, "found epochs 3 and iterations 50, allowed: one of them"),
        ({"epochs": None}, "found neither epochs nor iterations, allowed: one of them"),
        ({"evaluate": "100"}, "found '100', allowed: a duration such as '10ep' (epochs) or '500it' (iterations)"),
        ({"evaluate": "0it"}, "found '0it', allowed: at least '1it'"),
        ({"evaluate": "10s"}, "found '10s', allowed: a duration such as '10ep' (epochs) or '500it' (iterations)"),
        ({"iterations": 0}, "found 0, allowed: at least 1"),
        ({"keep_row": 0}, "found 0, allowed: at least 1"),
    ],
)
def test_what_is_refused(training: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        resolved(**training)
    assert said in str(caught.value)
    assert str(caught.value).startswith("training")


def test_a_duration_in_iterations_by_hand() -> None:
    assert Duration(3).iterations(17) == 51
    assert Duration(40, "it").iterations(17) == 40
