"""What a method's page says beside its settings."""

import pytest

from sparsetune.base.yaml_io import parse
from sparsetune.config.overrides import flatten
from sparsetune.show.catalogue import show_methods
from sparsetune.sparsity.methods import METHODS
from sparsetune.training.registries import REGISTRIES


def test_a_method_s_page_ends_with_its_defaults_for_other_sections(capsys: pytest.CaptureFixture[str]) -> None:
    """As one would write them."""
    show_methods(REGISTRIES, "slt")
    _, said = capsys.readouterr().out.split("other sections have these defaults:\n")
    written = flatten(parse(said, source="page"))
    schedule = {name: written.pop(f"training.schedule.{name}") for name in ("name", "per")}
    assert {**written, "training.schedule": schedule} == METHODS.get("slt").defaults


def test_a_method_without_them_says_nothing_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    show_methods(REGISTRIES, "dense")
    assert "other sections" not in capsys.readouterr().out


def test_a_card_fits_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are broken once: those of the source are joined before."""
    monkeypatch.setenv("COLUMNS", "80")
    show_methods(REGISTRIES, "slt")
    card, _, _ = capsys.readouterr().out.partition("setting ")
    assert (
        "\nPaper:   V. Ramanujan et al., What's Hidden in a Randomly Weighted Neural\n         Network? (2020); "
        in card
    )
    assert max(map(len, card.splitlines())) <= 80
