"""What every method must hold; one joins by a row: a :class:`MethodCase`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsetune.config.base import EVALUATION
from sparsetune.config.metrics import LAYER_DENSITY, named
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.registry import Registries
from sparsetune.config.space import corners, load_space
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.stage import Stage
from sparsetune.testing.checks import checks_in
from sparsetune.testing.trained import restarted, row_of, run_through, same_state, trial_config, untimed
from sparsetune.training.keys import digest
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

EPOCHS = 3
HOOKS = (
    "before_batch", "select", "penalty", "after_backward", "after_step", "numbers", "begin_evaluation",
    "predict", "summary", "over_results",
)  # fmt: skip


@dataclass(frozen=True)
class MethodCase:
    """A method's section of a config, the folder of search spaces that its card may refer to, and who knows it."""

    settings: dict[str, Any]
    search_spaces: Path
    registries: Registries = REGISTRIES

    @property
    def method(self) -> type[Method]:
        method: type[Method] = self.registries.method.get(self.settings["name"])
        return method

    @property
    def card(self) -> dict[str, str]:
        """The labelled lines of the docstring of the method's module."""
        text = importlib.import_module(self.method.__module__).__doc__ or ""
        return {label: " ".join(body.split()) for label, body in re.findall(r"^(\w+): +(.+(?:\n +.+)*)", text, re.M)}

    def trial(self, **metrics: bool) -> TrialConfig:
        measured, model = {"gpu_tdp_watts": 9, "noise_samples": 8, **metrics}, {"name": "mlp", "hidden": [16, 8, 8]}
        return trial_config(self.settings, model, epochs=EPOCHS, metrics=measured, registries=self.registries)

    def trainer(self, **metrics: bool) -> Trainer:
        """Args: metrics: keys of that section of the config; what is not given is as the method has it."""
        return Trainer(self.trial(**metrics), registries=self.registries)

    def stages(self) -> list[Stage]:
        """Of a trial, parents first."""
        config = self.trial()
        return list(_all(self.method.tree(config.method, config.training)))

    def fields(self) -> Iterator[tuple[str, Any]]:
        """The settings but for the name."""
        return ((name, field) for name, field in self.method.Config.model_fields.items() if name != "name")


def _all(stage: Stage) -> Iterator[Stage]:
    yield stage
    for child in stage.then:
        yield from _all(child)


Check = Callable[[MethodCase], None]


def is_registered_under_the_name_in_its_config(case: MethodCase) -> None:
    assert case.method.Config.model_fields["name"].default == case.settings["name"]


def every_field_has_a_doc_and_a_phase(case: MethodCase) -> None:
    phases = {EVALUATION, *case.method.phases}
    for name, field in case.fields():
        assert field.description, name
        assert (field.json_schema_extra or {}).get("phase") in phases, name


def the_tree_is_a_function_of_settings(case: MethodCase) -> None:
    """Of values that tell equal stages from others; the last stage has a result."""
    first, again = case.stages(), case.stages()
    assert [digest(each) for each in first] == [digest(each) for each in again]
    assert all(each.view.results for each in first if not each.then)


def config_survives_plain_values(case: MethodCase) -> None:
    config = case.trial()
    assert resolve_trial(config.plain(), case.registries) == config


def metrics_are_in_the_table_and_declared(case: MethodCase) -> None:
    """A number that others have at their end only, such as density, a method may have after each epoch.

    One that needs a setting has tests of its own.
    """
    table, asked_for = case.registries.metrics, flatten(case.trial().plain())
    each_epoch = {name for name, metric in table.items() if metric.each_epoch}
    own, core = set(named(case.method.metrics)), case.registries.core("classification")
    shared = {name for name in core if not table[name].needs or asked_for[table[name].needs]}
    assert own <= set(table)
    own = {name for name in own if not table[name].needs}
    assert all(table[each.name] == each for each in case.method.metrics if not isinstance(each, str))
    early, of_states = own & shared, {name for name in own if table[name].any_state}  # these the core measures
    assert not early & each_epoch
    for asked in (False, True):
        trainer = case.trainer(each_epoch=asked)
        of_layers = {f"{LAYER_DENSITY}/{name}" for name in trainer.session.prunable} if asked else set()
        in_rows = {name for name, metric in table.items() if metric.in_rows(asked)}
        for row in trainer:
            assert set(row.metrics) == (shared | own) & in_rows | early | of_layers
        assert set(trainer.finish()) == shared | own | of_layers
        of_results = set(case.method.over_results(trainer.config.method, trainer.results.of_run("")))
        assert set(trainer.method.summary()) == own - each_epoch - early - of_states - of_results


def measuring_each_epoch_changes_no_number(case: MethodCase) -> None:
    """Of training, of the rows, of test data: what is measured beside them draws and changes nothing."""
    plain, asked = (case.trainer(each_epoch=each) for each in (False, True))
    assert not plain.journal.start(plain.first)
    for row in plain:
        beside = untimed(next(asked).metrics, case.registries)
        assert {name: beside[name] for name in untimed(row.metrics, case.registries)} == untimed(
            row.metrics, case.registries
        )
        assert same_state(plain.network.state_dict(), asked.network.state_dict())
        assert same_state(plain.method.state_dict(), asked.method.state_dict())
    start = asked.journal.start(asked.first)
    assert start.keys() <= asked.record[0].metrics.keys()
    end, wanted = (untimed(each.finish(), case.registries) for each in (asked, plain))
    assert {name: end[name] for name in wanted if not row_of(name, case.registries).any_state} == {
        name: value for name, value in wanted.items() if not row_of(name, case.registries).any_state
    }


def metrics_are_numbers(case: MethodCase) -> None:
    trainer, metrics = run_through(case.trial(), case.registries)
    for row in [*(row.metrics for row in trainer.record), metrics]:
        assert {name: type(value) for name, value in row.items()} == dict.fromkeys(row, float)


def traces_are_of_equal_length(case: MethodCase) -> None:
    trainer, _ = run_through(case.trial(), case.registries)
    traces = trainer.method.trace().values()
    assert all(trace.ndim == 1 and trace.dtype == "float64" for trace in traces)
    assert len({len(trace) for trace in traces}) <= 1


def state_survives_a_checkpoint(case: MethodCase) -> None:
    trainer = case.trainer()
    assert same_state(restarted(trainer, case.registries).state_dict(), trainer.state_dict())
    for _ in trainer:
        assert same_state(restarted(trainer, case.registries).state_dict(), trainer.state_dict())


def a_restart_changes_no_number(case: MethodCase) -> None:
    """Wherever it happens."""
    straight, metrics = run_through(case.trial(), case.registries)
    stopped = case.trainer()
    for _ in straight.record[:-1]:
        next(stopped)
        resumed = restarted(stopped, case.registries)
        list(resumed)
        assert untimed(resumed.finish(), case.registries) == untimed(metrics, case.registries)
        for one, other in zip(resumed.record, straight.record, strict=True):
            assert untimed(one.metrics, case.registries) == untimed(other.metrics, case.registries)
        assert same_state(resumed.network.state_dict(), straight.network.state_dict())
        assert same_state(resumed.method.state_dict(), straight.method.state_dict())


def the_card_is_there(case: MethodCase) -> None:
    card = case.card
    assert card.keys() & {"Paper", "Idea"}
    assert card.keys() >= {"Hooks", "Ranges"}


def the_card_names_the_hooks_that_are_used(case: MethodCase) -> None:
    used = [hook for hook in HOOKS if _function(case.method, hook) is not _function(Method, hook)]
    assert case.card["Hooks"] == f"{', '.join(used) or 'none'}."


def _function(method: type[Method], hook: str) -> object:
    """Of a class method the function."""
    return getattr(getattr(method, hook), "__func__", getattr(method, hook))


def search_spaces_of_the_card_fit(case: MethodCase) -> None:
    """Each combination of the ends of their ranges is a config that resolves."""
    base = case.trial().plain()
    for name in re.findall(r"search_spaces/(\w+)\.yaml", case.card["Ranges"]):
        space = load_space(name, folder=case.search_spaces, source=name)
        assert space.parameters
        for point in corners(space, flatten(base)):
            resolve_trial(assign(base, point), case.registries)


CHECKS: list[Check] = checks_in(globals())
