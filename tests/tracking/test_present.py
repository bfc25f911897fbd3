"""A study's page against a real store: what it says at the end, what a user wrote, what an earlier version left."""

from __future__ import annotations

import json
from dataclasses import replace

from helpers.trials import PLAIN, several
from mlflow import MlflowClient
from mlflow.entities import Experiment, Run
from test_mlflow_runs import SEEDS, curves
from tracked import Watch, answer, rows, trial

from sparsetune.base.messages import Key, Trial
from sparsetune.tracking.page_state import TAG
from sparsetune.tracking.present import present
from sparsetune.tracking.run_keys import RunKey

NOTE = "mlflow.note.content"


def ended(number: int, **metrics: float) -> Trial:
    return replace(trial(number, "COMPLETE", **metrics), values=tuple(metrics.values()), notes={"split": "0123abcd"})


def experiment(watch: Watch) -> Experiment:
    return MlflowClient(watch.uri).get_experiment_by_name(watch.experiment)


def finished(watch: Watch, *trials: Trial) -> None:
    """A session of a study in which these trials end."""
    tracker = watch.open()
    for each in trials:
        tracker.trial_ended(each, {Key(each.number): rows(1, 3)}, {})
    tracker.summarise("FINISHED", answer(*trials))
    tracker.close()
    assert watch.warnings == []


def again(watch: Watch, *trials: Trial) -> None:
    """Bring the page up to date, without a tracker."""
    mine = f"tags.`sparsetune.study_id` = '{watch.parent().data.tags['sparsetune.study_id']}'"
    client, number = MlflowClient(watch.uri), str(experiment(watch).experiment_id)
    present(client, number, watch.parent(), mine, watch.subject, answer(*trials))


def seen(run: Run, *names: str) -> list[str | None]:
    return [run.data.tags.get(f"sparsetune.{name}") for name in names]


def test_runs_say_what_they_are(watch: Watch) -> None:
    finished(watch, ended(0, acc=0.5), ended(1, acc=0.7))
    first, second = watch.runs()[0], watch.runs()[1]
    assert second.info.run_name == "#1 kp 0.1"
    assert seen(second, "role", "method", "state", "front", "best") == ["trial", "ast", "COMPLETE", "true", "acc"]
    assert seen(first, "front", "best", "broken") == [None] * 3
    assert second.data.tags[NOTE].startswith("Trial 1 of study")
    assert second.data.tags["mlflow.source.name"] == "studies/s.yaml"
    (data,) = second.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest, data.tags[0].value) == ("data", "0123abcd", "training")
    parent = watch.parent()
    assert seen(parent, "role", "trials_complete") == ["study", "2"]
    assert "### Best trial" in parent.data.tags[NOTE]


def test_the_experiment_has_a_view_and_the_answer(watch: Watch) -> None:
    finished(watch, ended(0, acc=0.5))
    tags = experiment(watch).tags
    assert json.loads(tags[TAG])["searchFilter"] == "tags.`sparsetune.role` = 'trial'"
    assert tags[NOTE] == watch.parent().data.tags[NOTE]
    assert tags["sparsetune.shown"] == "1: 1 COMPLETE"


def test_who_was_best_and_is_no_more(watch: Watch) -> None:
    finished(watch, ended(0, acc=0.5))
    assert seen(watch.runs()[0], "front", "best") == ["true", "acc"]
    finished(watch, ended(0, acc=0.5), ended(1, acc=0.7))
    assert seen(watch.runs()[0], "front", "best") == [None, None]
    assert seen(watch.runs()[1], "front", "best") == ["true", "acc"]


def test_what_a_user_has_written_stays(watch: Watch) -> None:
    finished(watch, ended(0, acc=0.5), ended(1, acc=0.7))
    client, run = MlflowClient(watch.uri), watch.runs()[0].info.run_id
    client.set_tag(run, NOTE, "mine")
    client.update_run(run, name="my name")
    client.set_tag(watch.parent().info.run_id, NOTE, "our study")
    client.set_experiment_tag(experiment(watch).experiment_id, NOTE, "our studies")
    finished(watch, ended(0, acc=0.5), ended(1, acc=0.7), ended(2, acc=0.8))
    assert (watch.runs()[0].data.tags[NOTE], watch.runs()[0].info.run_name) == ("mine", "my name")
    assert watch.parent().data.tags[NOTE] == "our study"
    assert experiment(watch).tags[NOTE] == "our studies"
    assert watch.parent().data.tags["sparsetune.trials_complete"] == "3"


def test_a_description_of_ours_is_brought_up_to_date(watch: Watch) -> None:
    finished(watch, ended(0, acc=0.5))
    finished(watch, ended(0, acc=0.5), ended(1, acc=0.7))
    for said in (watch.parent().data.tags[NOTE], experiment(watch).tags[NOTE]):
        assert "2 complete" in said
        assert "| 1 | 0.7 |" in said


def test_nothing_is_written_where_nothing_has_changed(watch: Watch) -> None:
    trials = ended(0, acc=0.5), ended(1, acc=0.7)
    finished(watch, *trials)

    def written() -> list[object]:
        return [(run.data.tags, run.info.run_name) for run in watch.all_runs()] + [experiment(watch).tags]

    before = written()
    again(watch, *trials)
    assert written() == before


def test_a_deleted_run_stays_as_it_is(watch: Watch) -> None:
    finished(watch, ended(0, acc=0.5))
    client, run = MlflowClient(watch.uri), watch.runs()[0].info.run_id
    client.delete_tag(run, "sparsetune.role")
    client.delete_run(run)
    again(watch, ended(0, acc=0.5))
    assert "sparsetune.role" not in client.get_run(run).data.tags


def test_an_earlier_version_s_runs_get_theirs(watch: Watch) -> None:
    """Its replicates lay under their rows, and nothing had a role."""
    whole = several(0, {(seed, ""): {"acc": 0.1 * seed} for seed in SEEDS}, branches=PLAIN)
    tracker = watch.open()
    tracker.trial_ended(whole, curves(whole), {})
    client, found = MlflowClient(watch.uri), watch.places()
    row = found[RunKey(0)].info.run_id
    for place, run in found.items():
        for name in ("sparsetune.role", "sparsetune.method", NOTE, "mlflow.source.name"):
            client.delete_tag(run.info.run_id, name)
        client.update_run(run.info.run_id, name=place.name)
        if place.seed is not None:
            client.set_tag(run.info.run_id, "mlflow.parentRunId", row)
    again(watch, whole)
    names = {place: run.info.run_name for place, run in watch.places().items()}
    assert names == {
        RunKey(0): "#0 lr 0.01",
        RunKey(0, "", 3): "#0 seed 3 lr 0.01",
        RunKey(0, "", 4): "#0 seed 4 lr 0.01",
    }
    for place, run in watch.places().items():
        assert seen(run, "role", "method") == ["trial" if place.seed is None else "replicate", "dense"]
        assert run.data.tags["mlflow.parentRunId"] == watch.parent().info.run_id
        assert run.data.tags[NOTE].startswith("Trial 0 of study")
