"""Trials with stages in common, over a shelf: each is trained once, and each trial has the numbers of one alone."""

from __future__ import annotations

import errno
import io
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from sparsetune.base.messages import Result, Row
from sparsetune.base.paths import LAYERS, MASKS, TICKET, WEIGHTS
from sparsetune.base.shelf import GB, Shelf
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.history import Patience
from sparsetune.sparsity.stage import Stage
from sparsetune.testing.trained import restarted, same_state, untimed
from sparsetune.training.left.files import leave_files
from sparsetune.training.shelf import shelving
from sparsetune.training.trainer import Trainer

from .walking import KNOWN, Branches, branches, measure, toy

ADAM = {"optimizer": "adam", "lr": 0.02, "schedule": {"name": "cosine", "per": "step"}}
CHAIN = {"level 0", "level 0/level 1"}
DRR = {"name": "drr", "alpha": 1e-4, "finetune_epochs": 1}


def lottery(levels: int, arm: str = "ticket", **training: Any) -> TrialConfig:
    return toy({"name": "lottery", "levels": levels, "arm": arm, "rewind": "5it"}, **training)


def trained(config: TrialConfig, shelf: Shelf | None = None, parts: Branches | None = None) -> Trainer:
    """The trainer at the end, with all results measured."""
    trainer = Trainer(config, parts, registries=KNOWN, shelf=shelf)
    while trainer.go_on():
        measure(trainer)
    return trainer


def said(trainer: Trainer, branch: str = "") -> tuple[list[Row], list[Result], Any]:
    """Rows, results and the last state, but for timings."""
    rows = [replace(row, timestamp_ms=0, metrics=untimed(row.metrics)) for row in trainer.journal.rows(branch)]
    results = [replace(each, metrics=untimed(each.metrics)) for each in trainer.results.of_run(branch)]
    state = trainer.state_dict()["live"]
    return rows, results, {name: state[name] for name in ("network", "masks", "optimizer", "counters", "snapshots")}


def assert_same(trainer: Trainer, alone: Trainer, branch: str = "") -> None:
    (rows, results, state), (wanted_rows, wanted_results, wanted) = said(trainer, branch), said(alone, branch)
    assert rows == wanted_rows
    assert results == wanted_results
    assert same_state(state, wanted)


@pytest.mark.parametrize("training", [{}, ADAM, {"metrics": {"each_epoch": True}}], ids=["sgd", "adam", "each epoch"])
def test_chains_of_several_lengths_train_the_longest(training: dict[str, Any], tmp_path: Path) -> None:
    """Of 1 to 4 levels and the dense one: 2 + 1 + 1 + 1 stages are trained, not 2 + 3 + 4 + 5; a level is 13 of 18."""
    shelf, steps = Shelf(tmp_path), 0.0
    for levels in (1, 2, 3, 4):
        config = lottery(levels, **training)
        trainer = trained(config, shelf)
        assert_same(trainer, trained(config))
        assert trainer.journal.taken("") == (levels if levels > 1 else 0)
        steps += trainer.epochs * 9
    assert steps == pytest.approx(18 + 4 * 13)
    assert len(shelf.items()) == 5


def test_a_chain_that_has_been_trained_is_not_again(tmp_path: Path) -> None:
    """Shorter or as long: nothing is trained, and the trial took no time of its own, but its way cost what it cost."""
    shelf = Shelf(tmp_path)
    whole = trained(lottery(3), shelf)
    for levels in (3, 2):
        trainer = trained(lottery(levels), shelf)
        assert_same(trainer, trained(lottery(levels)))
        assert trainer.epochs == 0
        (*_, last) = trainer.results.of_run("")
        assert last.metrics["own_time_min"] == 0
        (row,) = [row for row in whole.record if row.number == trainer.record[-1].number]
        assert trainer.record[-1].metrics["time_min"] == row.metrics["time_min"] > 0


def test_levels_that_were_taken_leave_the_same_files(tmp_path: Path) -> None:
    """Weights, masks, tickets and what layers have kept, byte for byte, but for timings."""
    trained(lottery(2), Shelf(tmp_path / "shelf"))
    for name, shelf in (("taken", Shelf(tmp_path / "shelf")), ("alone", None)):
        trainer = Trainer(lottery(2), registries=KNOWN, shelf=shelf)
        while trainer.go_on():
            for due in trainer.due:
                folder = tmp_path / name / f"{trainer.node.depth} {due.which}"
                trainer.measure(due, partial(leave_files, trainer, [folder], {}))
    files = [path.relative_to(tmp_path / "alone") for path in sorted((tmp_path / "alone").rglob("*.*"))]
    assert {path.name for path in files} == {WEIGHTS, MASKS, TICKET, LAYERS}
    assert len(files) == 2 * (1 + 4 + 4), "of the dense level the weights alone"
    for path in files:
        assert (tmp_path / "taken" / path).read_bytes() == (tmp_path / "alone" / path).read_bytes(), path


@pytest.mark.parametrize("arm", ["reinit_same_mask", "random_mask", "reinit_own_chain", "one_shot"])
def test_arms_take_the_ticket_s_chain(arm: str, tmp_path: Path) -> None:
    """Where they do not look at it; what they train by themselves they train."""
    shelf = Shelf(tmp_path)
    trained(lottery(2), shelf)
    config, alone = lottery(2, arm), trained(lottery(2, arm))
    trainer = trained(config, shelf)
    assert_same(trainer, alone)
    taken = 18 if arm == "reinit_own_chain" else 18 + 13
    assert trainer.epochs * 9 == pytest.approx(alone.epochs * 9 - taken)


def test_the_ticket_after_an_arm_that_has_not_looked_at_its_chain(tmp_path: Path) -> None:
    """It is trained again, for its rows, and then there for both."""
    shelf = Shelf(tmp_path)
    trained(lottery(2, "random_mask"), shelf)
    ticket = trained(lottery(2), shelf)
    assert_same(ticket, trained(lottery(2)))
    assert ticket.epochs * 9 == pytest.approx(13 + 13), "the dense level has rows in both"
    for arm in ("ticket", "random_mask"):
        assert trained(lottery(2, arm), shelf).journal.taken("") >= 2


def test_deltas_in_trials_of_their_own_train_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    configs = [toy({**DRR, "delta": delta}, epochs=3, **ADAM) for delta in (0.05, 0.3)]
    trainers = [trained(config, shelf) for config in configs]
    for trainer, config in zip(trainers, configs, strict=True):
        assert_same(trainer, trained(config))
    assert [trainer.epochs for trainer in trainers] == [pytest.approx(4), pytest.approx(1)]


@pytest.mark.parametrize("first", ["fork", "single"])
def test_a_fork_and_a_single_run_share(first: str, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    config = toy({**DRR, "delta": 0.3}, epochs=3)
    parts = branches(config, "delta", (0.05, 0.3))
    fork, single = {"parts": parts}, dict[str, Any]()
    asked = [fork, single] if first == "fork" else [single, fork]
    for each in asked:
        trainer = trained(config, shelf, **each)
        alone = trained(config, **each)
        for branch in parts if each else [""]:
            assert said(trainer, branch)[:2] == said(alone, branch)[:2]
        assert trainer.epochs == pytest.approx(alone.epochs - (3 if each is asked[1] else 0))


def test_it_goes_on_from_each_of_its_checkpoints(tmp_path: Path) -> None:
    """Also when the shelf has been emptied since: what was taken is in the checkpoint, and the rest is trained."""
    trained(lottery(2), Shelf(tmp_path))
    alone = trained(lottery(3))
    trainer = Trainer(lottery(3), registries=KNOWN, shelf=Shelf(tmp_path))
    stops = 0
    while trainer.go_on():
        measure(trainer)
        stops += 1
        assert_same(finished(restarted(trainer, KNOWN)), alone)
        assert trainer.journal.taken("") == min((stops + 1) // 2, 3)
    assert stops == 3 * 2 + 2
    assert_same(trainer, alone)


def finished(trainer: Trainer) -> Trainer:
    while trainer.go_on():
        measure(trainer)
    return trainer


@pytest.mark.parametrize("change", [{"lr": 0.2}, {"batch_size": 64}, {"momentum": 0.8}, {"dtype": "float64"}], ids=str)
def test_other_trainings_take_nothing(change: dict[str, Any], tmp_path: Path) -> None:
    trained(lottery(1), Shelf(tmp_path))
    assert trained(lottery(1, **change), Shelf(tmp_path)).journal.taken("") == 0


@pytest.mark.parametrize("harm", ["cut", "flipped", "gone", "another's"])
def test_what_is_damaged_is_trained_again(harm: str, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    trained(lottery(1), shelf)
    for item in shelf.items():
        content = item.path.read_bytes()
        flipped = content[:200] + bytes([content[200] ^ 1]) + content[201:]
        item.path.write_bytes({"cut": content[:-1], "flipped": flipped, "another's": b"x" * 90}.get(harm, b""))
        if harm == "gone":
            item.path.unlink()
    trainer = trained(lottery(1), shelf)
    assert_same(trainer, trained(lottery(1)))
    assert trainer.journal.taken("") == 0
    assert trained(lottery(1), shelf).journal.taken("") == 2, "it has been left anew"


def test_one_that_is_full_keeps_the_last(tmp_path: Path) -> None:
    trained(lottery(1), Shelf(tmp_path / "whole"))
    sizes = [item.nbytes for item in Shelf(tmp_path / "whole").items()]
    shelf = Shelf(tmp_path / "small", max(sizes))
    assert_same(trained(lottery(1), shelf), trained(lottery(1)))
    assert len(shelf.items()) == 1
    assert trained(lottery(1), Shelf(tmp_path / "none", min(sizes) - 1)).journal.taken("") == 0
    assert not (tmp_path / "none").exists()


def test_a_disk_that_takes_nothing_is_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*to_write: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shelving, "write_atomic", full)
    with pytest.warns(RuntimeWarning, match="nothing more is left in .*: No space left on device") as told:
        trainer = trained(lottery(2), Shelf(tmp_path))
    assert len(told) == 1
    assert_same(trainer, trained(lottery(2)))


def test_a_folder_that_is_none_is_told_of_once(tmp_path: Path) -> None:
    (tmp_path / "shelf").write_text("in the way")
    with pytest.warns(RuntimeWarning, match="nothing more is left") as told:
        trainer = trained(lottery(2), Shelf(tmp_path / "shelf"))
    assert len(told) == 1
    assert_same(trainer, trained(lottery(2)))


def test_what_the_clock_has_ended_is_not_kept(tmp_path: Path) -> None:
    """The dense level is whole, the next one is not."""
    shelf = Shelf(tmp_path)
    trainer = Trainer(lottery(2, max_minutes=60.0), registries=KNOWN, shelf=shelf)
    while trainer.go_on():
        trainer.session.cost.seconds += 2400
        measure(trainer)
    assert trainer.results.cut_short
    assert {node.path for node in trainer.union.nodes if node.number in trainer.journal.keys} == CHAIN
    assert len(shelf.items()) == 1
    assert trained(lottery(2), shelf).journal.taken("") == 1


def test_the_clock_does_not_count_what_others_have_trained(tmp_path: Path) -> None:
    """The chain took an hour and a half when it was trained; a trial of half an hour takes it and goes on."""
    slow = Trainer(lottery(2), registries=KNOWN, shelf=Shelf(tmp_path))
    while slow.go_on():
        slow.session.cost.seconds += 900
        measure(slow)
    trainer = trained(lottery(3, max_minutes=30.0), Shelf(tmp_path))
    assert not trainer.results.cut_short
    assert trainer.journal.taken("") == 3


def test_a_training_that_comes_to_nothing_is_not_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    trainer = trained(lottery(2, lr=1e30), shelf)
    assert trainer.journal.failed
    assert shelf.items() == []


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> tuple[TrialConfig, dict[str, Any]]:
    """A stage that goes on from its best evaluation, under two rules that end it apart; at 0.5 nothing follows."""
    method: Any = KNOWN.method.get("deltas")
    tree = method.tree

    def looked_at(config: Any, training: Any) -> Stage:
        made: Stage = tree(config, training)
        view = replace(made.view, until=Patience(1 if config.delta < 0.1 else 50), keep="best")
        made = replace(made, view=view, reused=True)
        return made if config.delta < 0.5 else replace(made, view=replace(view, results=("last",)), then=())

    monkeypatch.setattr(method, "tree", looked_at)
    config = toy({"name": "deltas"}, epochs=6, lr=2.0, momentum=0.9)
    return config, {delta: config.method.model_copy(update={"delta": delta}) for delta in (0.05, 0.3, 0.5)}


def test_views_that_end_apart_have_ends_of_their_own(apart: Any, tmp_path: Path) -> None:
    """Of a fork both are there for runs alone."""
    (config, methods), shelf = apart, Shelf(tmp_path)
    fork = trained(config, shelf, {str(delta): methods[delta] for delta in (0.05, 0.3)})
    assert len({len(list(fork.journal.rows(branch))) for branch in fork.union.steps}) == 2
    for delta in (0.05, 0.3):
        trainer = trained(config.model_copy(update={"method": methods[delta]}), shelf)
        assert trainer.journal.taken("") == 1
        assert_same(trainer, trained(trainer.config))


def test_one_view_after_the_other(apart: Any, tmp_path: Path) -> None:
    """Each is trained once, whatever is there of another."""
    config, methods = apart
    for delta, taken in ((0.05, 0), (0.3, 0), (0.05, 1), (0.3, 1)):
        assert trained(config.model_copy(update={"method": methods[delta]}), Shelf(tmp_path)).journal.taken("") == taken


def test_the_best_is_whole_where_nothing_follows(apart: Any, tmp_path: Path) -> None:
    """What another trial goes on from has the moments of its best evaluation, too."""
    (config, methods), shelf = apart, Shelf(tmp_path)
    trained(config.model_copy(update={"method": methods[0.5]}), shelf)
    (item,) = shelf.items()
    plain = torch.load(io.BytesIO(item.path.read_bytes()[32:]), weights_only=True)
    (state,) = plain["states"].values()
    alone = trained(config.model_copy(update={"method": methods[0.3]}))
    began = next(iter(alone.ends.aside.values()))
    assert same_state(state["optimizer"], began["optimizer"])
    assert same_state(state["network"], began["network"])


def test_a_shelf_that_comes_later(apart: Any, tmp_path: Path) -> None:
    """A view has ended before there was one, and its state is gone: nothing is left, and training goes on."""
    config, methods = apart
    parts = {str(delta): methods[delta] for delta in (0.3, 0.5, 0.05)}
    before = Trainer(config, parts, registries=KNOWN)
    while not any(written.end for written in before.journal.written.values()):
        before.go_on()
    before.ends.aside.clear()
    trainer = Trainer(config, parts, registries=KNOWN, shelf=Shelf(tmp_path))
    trainer.load_state_dict(before.state_dict())
    while trainer.evaluating and not trainer.evaluating.over:
        trainer.go_on()
    assert Shelf(tmp_path).items() == []


def test_what_is_left_can_be_read_without_running_code(tmp_path: Path) -> None:
    trained(lottery(1), Shelf(tmp_path, 5 * GB))
    for item in Shelf(tmp_path).items():
        assert {*torch.load(io.BytesIO(item.path.read_bytes()[32:]), weights_only=True)} == {"views", "states"}
