"""What a job keeps in its folder: known again where it is whole, and of the same; written once, and dropped in time."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.base.durations import Duration
from sparsetune.base.messages import Job, Key, OwnFile, Report, Result, Row
from sparsetune.base.messages import Outcome as End
from sparsetune.config.base import Part
from sparsetune.config.trial import Training, resolve_trial
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.stage import Stage
from sparsetune.testing import toy_method
from sparsetune.testing.trained import same_state, trial_config, untimed
from sparsetune.training.left.saved import CHECKPOINT, ENDS, RECORD, Saved
from sparsetune.training.registries import REGISTRIES, registries_of
from sparsetune.training.trainer import Trainer
from sparsetune.training.trial import run_trial

OF = {"config": {"lr": 0.1, "hidden": [8], "dtype": None}, "own": ["1f"]}
OTHERS = ({**OF, "own": ["2e"]}, {**OF, "own": []}, {**OF, "config": {**OF["config"], "lr": 0.2}}, {})
ROWS = [Row(1, 1000, {"val_loss": 0.5}, "train", 1), Row(2, 2000, {"val_loss": 0.25}, "finetune", 1, settled=False)]
END = End("COMPLETE", {"val_loss": 0.25, "test_loss": 0.3}, notes={"split": "1f"})
RUN = "3 first"
NUMBERS = st.dictionaries(st.text(max_size=9), st.floats(allow_nan=False), max_size=3)
WORDS = st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=2)
COUNTS = st.integers(0, 2**40)
SHARES = st.floats(0, 1)
ROW = st.builds(Row, COUNTS, COUNTS, NUMBERS, st.text(max_size=9), COUNTS, st.booleans(), *[COUNTS] * 3, SHARES)
RESULT = st.builds(Result, st.text(max_size=9), st.sampled_from(["last", "best"]), COUNTS, COUNTS, NUMBERS)
RESULTS = st.lists(RESULT, max_size=2).map(tuple)
OUTCOME = st.builds(End, st.sampled_from(["COMPLETE", "FAIL"]), NUMBERS, st.text(max_size=9), WORDS, RESULTS)
TOY = OwnFile("my_method.py", inspect.getsource(toy_method))


@given(st.dictionaries(st.text(max_size=9), st.tuples(st.lists(ROW, max_size=4), OUTCOME), max_size=3))
@settings(deadline=None)
def test_ends_of_runs_come_back_as_they_were_said(
    tmp_path_factory: pytest.TempPathFactory, ends: dict[str, tuple[list[Row], End]]
) -> None:
    """Every digit of them, infinite numbers too; whoever saves in between."""
    folder = tmp_path_factory.mktemp("job")
    saved = Saved(folder)
    for name, (rows, outcome) in ends.items():
        saved.add_end(name, OF, rows, outcome)
        saved.save(OF, None)
    found = Saved(folder)
    assert {name: found.end(name, OF) for name in ends} == ends
    assert found.training(OF) is None


def keep_an_end(folder: Path) -> None:
    saved = Saved(folder)
    saved.add_end(RUN, OF, ROWS, END)
    saved.save(OF, None)


def test_there_is_none(tmp_path: Path) -> None:
    found = Saved(tmp_path / "nowhere")
    assert found.end(RUN, OF) is None
    assert found.training(OF) is None
    assert not (tmp_path / "nowhere").exists()


def test_an_end_of_something_else_is_none(tmp_path: Path) -> None:
    keep_an_end(tmp_path)
    for other in OTHERS:
        assert Saved(tmp_path).end(RUN, other) is None
    assert Saved(tmp_path).end("4 first", OF) is None
    assert Saved(tmp_path).end(RUN, OF) == (ROWS, END)


def test_an_end_is_kept_from_the_next_save_on(tmp_path: Path) -> None:
    keep_an_end(tmp_path)
    Saved(tmp_path).add_end("4 first", OF, ROWS, END)
    assert Saved(tmp_path).end("4 first", OF) is None
    assert Saved(tmp_path).end(RUN, OF) == (ROWS, END)


def test_a_run_that_failed_before_its_first_row_has_none_of_the_next_one_s(tmp_path: Path) -> None:
    saved, failed = Saved(tmp_path), End("FAIL", reason="train_loss became nan in epoch 1")
    saved.add_end(RUN, OF, [], failed)
    saved.add_end("4 first", OF, ROWS, END)
    saved.save(OF, None)
    assert Saved(tmp_path).end(RUN, OF) == ([], failed)
    assert Saved(tmp_path).end("4 first", OF) == (ROWS, END)


def test_an_end_takes_the_place_of_an_end_of_something_else(tmp_path: Path) -> None:
    keep_an_end(tmp_path)
    saved, rows, end = Saved(tmp_path), [Row(1, 3000, {"val_loss": 0.75})], End("FAIL", reason="something else")
    assert saved.end(RUN, OTHERS[0]) is None
    saved.add_end(RUN, OTHERS[0], rows, end)
    saved.save(OTHERS[0], None)
    assert Saved(tmp_path).end(RUN, OTHERS[0]) == (rows, end)
    assert Saved(tmp_path).end(RUN, OF) is None


@pytest.mark.parametrize("what", [CHECKPOINT, RECORD])
def test_a_part_of_what_was_saved_is_nothing(what: str, tmp_path: Path) -> None:
    keep_an_end(tmp_path)
    whole = (tmp_path / what).read_bytes()
    for size in [*range(0, len(whole), 7), len(whole) - 1]:
        (tmp_path / what).write_bytes(whole[:size])
        assert Saved(tmp_path).end(RUN, OF) is None, size
    (tmp_path / what).unlink()
    assert Saved(tmp_path).end(RUN, OF) is None
    (tmp_path / what).write_bytes(whole)
    assert Saved(tmp_path).end(RUN, OF) == (ROWS, END)


@pytest.mark.parametrize("line", [b"\0\0\0\0", b"\xff\xfe", b"{}", b"[]", b'["3 first"]', b"5", b'[["3"], {}]'])
def test_a_record_of_other_lines_is_nothing(line: bytes, tmp_path: Path) -> None:
    """Of the length that was told; a disk that was full of zeros when power failed has such."""
    keep_an_end(tmp_path)
    length = (tmp_path / RECORD).stat().st_size
    (tmp_path / RECORD).write_bytes(line + b" " * (length - len(line) - 1) + b"\n")
    assert Saved(tmp_path).end(RUN, OF) is None
    keep_an_end(tmp_path)
    assert Saved(tmp_path).end(RUN, OF) == (ROWS, END), "and it is begun anew"


class Config(Part):
    """No settings."""

    name: Literal["splitting"] = "splitting"


class Splitting(Method):
    """Two trainings that go on from one, of which an early state is kept too."""

    Config = Config
    phases = ("train", "after")

    @classmethod
    def tree(cls, config: Any, training: Training) -> Stage:
        then = tuple(cls.stage(name, Duration(n), config, training, phase="after") for name, n in (("a", 1), ("b", 2)))
        snapshots = (("early", Duration(3, "it")), ("later", Duration(2)))
        return cls.stage("train", training.length, config, training, then=then, snapshots=snapshots)


KNOWN = replace(REGISTRIES, method=REGISTRIES.method.extended({"splitting": Splitting}))
SPLITTING = trial_config(
    "splitting", {"name": "mlp", "hidden": [8]}, epochs=2, batch_size=200, keep="best", optimizer="adam",
    early_stop_patience=5, registries=KNOWN,
)  # fmt: skip


def splitting() -> Trainer:
    return Trainer(SPLITTING, registries=KNOWN)


def stops(trainer: Trainer) -> Iterator[int]:
    """Go from one stopping point to the next, and measure what is due; their numbers, from 0, before the first."""
    number = 0
    yield number
    while not trainer.done:
        trainer.go_on()
        for due in trainer.due:
            trainer.measure(due)
        number += 1
        yield number


def taken_up(folder: Path, of: dict[str, Any] = OF) -> Trainer:
    found, trainer = Saved(folder).training(of), splitting()
    assert found is not None
    trainer.load_state_dict(found)
    return trainer


def test_a_training_comes_back_whole_wherever_it_stands(tmp_path: Path) -> None:
    """Rows digit for digit, with timestamps, though only new ones are written each time."""
    trainer, saved = splitting(), Saved(tmp_path)
    for number in stops(trainer):
        saved.save(OF, trainer.state_dict())
        again = taken_up(tmp_path)
        assert same_state(again.state_dict(), trainer.state_dict())
        assert again.record == trainer.record
        assert len(again.record) == number
    assert len(trainer.record) == 2 + 1 + 2


def test_a_training_that_is_saved_by_one_process_after_another_is_one(tmp_path: Path) -> None:
    """Each takes up what the one before has saved, and adds to its record."""
    straight = splitting()
    *_, last = stops(straight)
    trainer = splitting()
    for _ in range(last):
        trainer.go_on()
        for due in trainer.due:
            trainer.measure(due)
        saved = Saved(tmp_path)
        saved.training(OF)
        saved.save(OF, trainer.state_dict())
        rows, trainer = trainer.record, taken_up(tmp_path)
        assert trainer.record == rows
    found, wanted = (each.results.of_run("") for each in (trainer, straight))
    assert [each.name for each in wanted] == ["train/a best", "train/b best"]
    assert [replace(each, metrics=untimed(each.metrics)) for each in found] == [
        replace(each, metrics=untimed(each.metrics)) for each in wanted
    ]
    assert len(lines_of(tmp_path)) == 5


def test_a_training_of_something_else_is_none(tmp_path: Path) -> None:
    Saved(tmp_path).save(OF, splitting().state_dict())
    for other in OTHERS:
        assert Saved(tmp_path).training(other) is None
    assert Saved(tmp_path).training(OF) is not None


def lines_of(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / RECORD).read_text().splitlines()]


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """What tells a file that was written again from one that was not."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (folder / ENDS).glob("*")}


def named_in(state: dict[str, Any]) -> set[str]:
    """The keys of what never changes: states to go on from, and snapshots."""
    kept = state["ends"]["aside"]
    snapshots = {each["key"] for one in (state["live"], *kept.values()) for each in one["snapshots"].values()}
    return {f"{key}.pt" for key in {*kept, *snapshots}}


def test_what_never_changes_is_written_once_and_removed_when_nothing_names_it(tmp_path: Path) -> None:
    trainer, saved, before = splitting(), Saved(tmp_path), {}
    counts = []
    for number in stops(trainer):
        if number == 3:
            saved = Saved(tmp_path)  # another process goes on
            assert saved.training(OF) is not None
        saved.save(OF, trainer.state_dict())
        files = files_of(tmp_path)
        assert files.keys() == named_in(trainer.state_dict())
        assert all(files[name] == before[name] for name in files.keys() & before.keys())
        counts.append(len(files))
        before = files
    assert counts == [0, 1, 3, 3, 2, 2], "the snapshots, and the end of the first stage until b has begun"
    saved.save(OF, None)
    assert files_of(tmp_path) == {}


def test_a_record_is_appended_to(tmp_path: Path) -> None:
    trainer, saved, path = splitting(), Saved(tmp_path), tmp_path / RECORD
    content, files = b"", set()
    for number in stops(trainer):
        saved.save(OF, trainer.state_dict())
        longer = path.read_bytes() if number else b""
        assert longer.startswith(content)
        assert len(longer.splitlines()) == number, "a line for each evaluation"
        content = longer
        files |= {path.stat().st_ino} if number else set()
    assert len(files) == 1
    saved.save(OF, trainer.state_dict())
    assert path.read_bytes() == content, "nothing is new"


def test_what_follows_the_told_length_is_dropped(tmp_path: Path) -> None:
    """A process has died after it appended to the record, and before it replaced the checkpoint."""
    trainer, saved = splitting(), Saved(tmp_path)
    trainer.go_on()
    saved.save(OF, trainer.state_dict())
    checkpoint = (tmp_path / CHECKPOINT).read_bytes()
    told = (tmp_path / RECORD).read_bytes()
    trainer.go_on()
    saved.save(OF, trainer.state_dict())
    (tmp_path / CHECKPOINT).write_bytes(checkpoint)
    with (tmp_path / RECORD).open("ab") as file:
        file.write(b'["half a li')
    resumed, again = Saved(tmp_path), splitting()
    found = resumed.training(OF)
    assert found is not None
    again.load_state_dict(found)
    assert again.record == trainer.record[:1]
    again.go_on()
    resumed.save(OF, again.state_dict())
    assert (tmp_path / RECORD).read_bytes().startswith(told)
    assert len(lines_of(tmp_path)) == 2
    assert taken_up(tmp_path).record == again.record


@pytest.mark.parametrize("damage", ["shorter", "flipped", "gone", "something else"])
def test_a_damaged_file_of_ends_is_no_training(damage: str, tmp_path: Path) -> None:
    """But the ends of other runs are known still."""
    trainer, saved = splitting(), Saved(tmp_path)
    saved.add_end(RUN, OF, ROWS, END)
    for _ in range(3):
        trainer.go_on()
    saved.save(OF, trainer.state_dict())
    assert len(files_of(tmp_path)) == 3
    for path in (tmp_path / ENDS).iterdir():
        whole = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            flipped = whole[:-1] + bytes([whole[-1] ^ 1])
            path.write_bytes({"shorter": whole[:-1], "flipped": flipped, "something else": b"[]"}[damage])
        assert Saved(tmp_path).training(OF) is None
        assert Saved(tmp_path).end(RUN, OF) == (ROWS, END)
        path.write_bytes(whole)
    assert taken_up(tmp_path).record == trainer.record


@pytest.mark.parametrize("what", [CHECKPOINT, RECORD])
def test_a_part_of_a_training_is_none_and_the_next_is_saved_as_the_first(what: str, tmp_path: Path) -> None:
    trainer = splitting()
    for number in stops(trainer):
        if number == 3:
            break
    Saved(tmp_path).save(OF, trainer.state_dict())
    whole = (tmp_path / what).read_bytes()
    (tmp_path / what).write_bytes(whole[:-1])
    saved = Saved(tmp_path)
    assert saved.training(OF) is None
    anew = splitting()
    anew.go_on()
    saved.save(OF, anew.state_dict())
    assert len(lines_of(tmp_path)) == 1
    assert taken_up(tmp_path).record == anew.record


WHY = ["an end was damaged", "the checkpoint was damaged", "something else was trained in between"]


def save_what_is_lost(folder: Path, why: str) -> None:
    """Three evaluations of the training, none of which is known to the next process."""
    trainer = splitting()
    for number in stops(trainer):
        if number == 3:
            break
    Saved(folder).save(OF, trainer.state_dict())
    if why == "an end was damaged":
        next((folder / ENDS).iterdir()).unlink()
    elif why == "the checkpoint was damaged":
        (folder / CHECKPOINT).write_bytes(b"")
    else:
        Saved(folder).save(OTHERS[0], splitting().state_dict())


@pytest.mark.parametrize("why", WHY)
def test_a_training_that_is_begun_anew_has_none_of_the_rows_that_it_had(why: str, tmp_path: Path) -> None:
    save_what_is_lost(tmp_path, why)
    saved, anew = Saved(tmp_path), splitting()
    assert saved.training(OF) is None
    for _ in stops(anew):
        saved.save(OF, anew.state_dict())
        assert taken_up(tmp_path).record == anew.record


@pytest.mark.parametrize("why", WHY)
def test_a_training_that_is_begun_anew_leaves_no_file_of_the_one_before(why: str, tmp_path: Path) -> None:
    save_what_is_lost(tmp_path, why)
    saved, anew = Saved(tmp_path), splitting()
    assert saved.training(OF) is None
    for _ in stops(anew):
        saved.save(OF, anew.state_dict())
        assert files_of(tmp_path).keys() == named_in(anew.state_dict())


def job(folder: Path, own: OwnFile, **training: Any) -> Job:
    """Two seeds of the toy, one epoch and one after pruning."""
    known = registries_of((own,))
    raw = {
        "method": {"name": "toy", "finetune_epochs": 1},
        "data": "digits",
        "model": {"name": "mlp", "hidden": [8]},
        "training": {"epochs": 1, "device": "cpu", **training},
    }
    return Job(Key(0, 3), resolve_trial(raw, known).plain(), str(folder), seeds=(3, 4), imports=(own,))


def stopped_after_the_first(job: Job) -> None:
    """Train the first seed only."""
    running = run_trial(job)
    before: list[Report] = list(takewhile(lambda report: report.outcome is None, running))
    running.close()
    assert {report.key for report in before} == {Key(0, 3)}


def test_what_has_ended_is_not_trained_again(tmp_path: Path, trained: list[int]) -> None:
    stopped_after_the_first(job(tmp_path, TOY))
    trained.clear()
    list(run_trial(job(tmp_path, TOY)))
    assert trained == [0, 1], "the other seed"


@pytest.mark.parametrize("what", [CHECKPOINT, RECORD, "config", "text"])
def test_an_end_that_is_damaged_or_of_something_else_is_trained_anew(
    what: str, tmp_path: Path, trained: list[int]
) -> None:
    """And known again, with rows of its own, when that has ended."""
    stopped_after_the_first(job(tmp_path, TOY))
    if what in (CHECKPOINT, RECORD):
        (tmp_path / what).write_bytes((tmp_path / what).read_bytes()[:-1])
    own = OwnFile(TOY.name, TOY.text + "\n# another word\n") if what == "text" else TOY
    again = job(tmp_path, own, **({"lr": 0.02} if what == "config" else {}))
    trained.clear()
    reports = list(run_trial(again))
    assert trained == [0, 1] * 2
    assert [(report.key, report.more) for report in reports if report.outcome is not None] == [
        (Key(0, 3), True),
        (Key(0, 4), False),
    ]
    trained.clear()
    known = next(run_trial(again))
    assert known.rows == tuple(row for report in reports if report.key == Key(0, 3) for row in report.rows)
    assert trained == []
