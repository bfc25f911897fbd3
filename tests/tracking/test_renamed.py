"""A study's experiment is found by its runs, whatever it is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from tracked import Watch, trial

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import slug
from sparsetune.tracking.client import find_experiment, find_run
from sparsetune.tracking.run_keys import RunKey
from sparsetune.tracking.store import check_experiment
from sparsetune.tracking.ui import page


def begin(watch: Watch, number: int = 0) -> str:
    """A study with one ended trial; the id of its experiment."""
    tracker = watch.open()
    tracker.trial_ended(trial(number, "COMPLETE"), {}, {})
    tracker.close()
    return str(watch.runs()[number].info.experiment_id)


def names(client: MlflowClient) -> set[str]:
    return {each.name for each in client.search_experiments()}


def test_it_goes_on_in_a_renamed_experiment(watch: Watch, client: MlflowClient) -> None:
    number = begin(watch)
    client.rename_experiment(number, f"{watch.experiment} renamed")
    again = watch.open()
    assert again.logged(0)
    again.trial_ended(trial(1, "COMPLETE"), {}, {})
    assert watch.experiment not in names(client)
    assert {run.info.experiment_id for run in client.search_runs([number])} == {number}
    assert len(client.search_runs([number])) == 3, "two trials and one parent"
    assert watch.warnings == []


def test_readers_find_it_too(watch: Watch, client: MlflowClient) -> None:
    number, uid = begin(watch), slug(watch.experiment)
    client.rename_experiment(number, f"{watch.experiment} renamed")
    for known in (uid, None):
        found = find_experiment(watch.uri, watch.experiment, known)
        assert found is not None
        assert found.experiment_id == number
        assert f"/experiments/{number}/" in page(watch.uri, 5000, watch.experiment, known)
    run = find_run(watch.uri, uid, RunKey(0))
    assert run is not None
    assert run.info.experiment_id == number
    assert find_run(watch.uri, "another", RunKey(0)) is None


def test_a_study_that_wants_a_name_that_another_s_experiment_has_gets_its_own(
    watch: Watch, client: MlflowClient, tmp_path: Path
) -> None:
    number, wanted = begin(watch), f"{watch.experiment} wanted"
    client.rename_experiment(number, wanted)
    other = Watch(watch.uri, wanted, tmp_path / "other")
    for _ in range(2):
        other.open().trial_ended(trial(0, "COMPLETE"), {}, {})
    found = find_experiment(watch.uri, wanted, slug(wanted))
    assert found is not None
    assert found.name == f"{wanted} {slug(wanted)}"
    assert found.experiment_id != number
    assert len(client.search_runs([found.experiment_id])) == 2
    assert [line.partition(": ")[2] for line in other.warnings] == [
        f"{wanted!r} is another study's experiment there: this study's is {found.name!r}"
    ], "said once"
    assert watch.open().logged(0)


def test_studies_of_one_name_share_an_experiment(watch: Watch, client: MlflowClient) -> None:
    """As two projects on one server do; each knows its own runs."""
    number = begin(watch)
    second = watch.open(identity=f"second {slug(watch.experiment)}")
    assert not second.logged(0)
    assert client.get_experiment_by_name(watch.experiment).experiment_id == number
    assert len([run for run in client.search_runs([number]) if "sparsetune.trial" not in run.data.tags]) == 2


def test_a_renamed_and_deleted_one_is_refused_until_it_is_restored(watch: Watch, client: MlflowClient) -> None:
    number, uid = begin(watch), slug(watch.experiment)
    renamed = f"{watch.experiment} renamed"
    client.rename_experiment(number, renamed)
    client.delete_experiment(number)
    with pytest.raises(BadInput, match=f"{renamed}.* was deleted.*--experiment-id {number}"):
        check_experiment(watch.uri, watch.experiment, uid)
    with pytest.raises(BadInput, match="was deleted"):
        watch.open()
    check_experiment(watch.uri, watch.experiment, None)
    check_experiment(watch.uri, watch.experiment, "another")
    client.restore_experiment(number)
    check_experiment(watch.uri, watch.experiment, uid)
    assert watch.open().logged(0)


def test_a_second_experiment_by_hand_is_left_alone(watch: Watch, client: MlflowClient) -> None:
    """Of the study's first name, while the study's own has another."""
    number = begin(watch)
    client.rename_experiment(number, f"{watch.experiment} renamed")
    empty = client.create_experiment(watch.experiment)
    assert watch.open().logged(0)
    assert list(client.search_runs([empty])) == []


def test_single_runs_go_on_where_they_began(watch: Watch, client: MlflowClient) -> None:
    tracker = watch.open(study=None, tags={"sparsetune.run": f"{watch.experiment} one"})
    watch.begin(tracker, 0)
    (run,) = watch.all_runs()
    client.rename_experiment(run.info.experiment_id, f"{watch.experiment} renamed")
    again = watch.open(study=None, tags={"sparsetune.run": f"{watch.experiment} one"})
    again.trial_ended(trial(0, "COMPLETE"), {}, {})
    assert client.get_run(run.info.run_id).info.status == "FINISHED"
    assert watch.experiment not in names(client)


@pytest.mark.parametrize("name", ["it's", 'a "b"', "both ' and \"", "50% #1 {a}?", "a; DROP TABLE runs --"])
def test_names_with_quotes(uri: str, client: MlflowClient, tmp_path: Path, name: str) -> None:
    watch = Watch(uri, name, tmp_path)
    number = begin(watch)
    client.rename_experiment(number, f"{slug(name)} renamed")
    found = find_experiment(uri, name, slug(name))
    assert found is not None
    assert found.experiment_id == number
    assert watch.open().logged(0)
