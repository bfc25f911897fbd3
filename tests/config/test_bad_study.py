"""A bad study file: one clear line with file, key, what was found and what is allowed; nothing is written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from sparsetune.app.study import load
from sparsetune.base.errors import BadInput

from .files import GONE, GOOD, accepted, refused, write

GOAL = {"goal": "maximize"}
TOP = (
    "(allowed: budget, data, method, metrics, model, objectives, pruner, resources, sampler, seed, space, storage, "
    "study, tracking, training)"
)
LISTED = "(`sparsetune metrics` lists them)"
QUOTES = "text (a number or a date needs quotes)"
WANTED_GPUS = "auto, 0, a fraction of one GPU, or a whole number"
DURATION = "a duration such as '1ep' or '10s' is wanted"

TEXTS = {
    "study: [a\nb: c": "line 2: not valid YAML: expected ',' or ']', but got ':'",
    "study: a\n\tb: c": "line 2: not valid YAML: found character '\\t' that cannot start any token",
    "study: a\nseed: 1\nstudy: b": "line 3: not valid YAML: the key 'study' stands twice (first in line 1)",
    "training:\n  lr: 1\n  lr: 2": "line 3: not valid YAML: the key 'lr' stands twice (first in line 2)",
    "training: {1: 2}": "line 1: not valid YAML: the key 1 is not text; put it in quotes",
    "study: a\non: 2": "line 2: not valid YAML: the key True is not text; put it in quotes",
    "? [a]\n: b": "line 1: not valid YAML: the key ['a'] is not text; put it in quotes",
    "": "found nothing, allowed: a mapping of names to values",
    "- a": "found ['a'], allowed: a mapping of names to values",
}


@pytest.mark.parametrize("text", TEXTS)
def test_broken_yaml(text: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, text)) == TEXTS[text]


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"sudy": 1}, f"sudy: unknown key 'sudy'; did you mean 'study'? {TOP}"),
    ({"trainig": {}}, f"trainig: unknown key 'trainig'; did you mean 'training'? {TOP}"),
    (
        {"training": {"epoch": 2}},
        "training.epoch: unknown key 'epoch'; did you mean 'epochs'? (allowed: batch_size, channels_last, "
        "clip_grad_norm, data_share, device, dtype, early_stop_patience, epochs, grad_accum_steps, keep, "
        "label_smoothing, lr, max_minutes, mixed_precision, momentum, nesterov, optimizer, reduction, schedule, "
        "warmup_epochs, weight_decay)",
    ),
    (
        {"method": {"name": "ast", "kpp": 2}},
        "method.kpp: unknown key 'kpp'; did you mean 'kp'? (allowed: ema_alpha, entropy_weight, initial_threshold, "
        "integral_limit, ki, ki_warmup_epochs, kp, kp_warmup_epochs, min_active, name, normalize, target_activation)",
    ),
    (
        {"data": {"name": "digits", "sed": 2}},
        "data.sed: unknown key 'sed'; did you mean 'seed'? (allowed: name, seed)",
    ),
    (
        {"model": {"name": "mlp", "hiden": [2]}},
        "model.hiden: unknown key 'hiden'; did you mean 'hidden'? (allowed: batch_norm, dropout, hidden, name)",
    ),
    (
        {"training": {"schedule": {"name": "step", "evry": 2}}},
        "training.schedule.evry: unknown key 'evry'; did you mean 'every'? (allowed: every, gamma, name)",
    ),
    ({"budget": {"trial": 3}}, "budget.trial: unknown key 'trial'; did you mean 'trials'? (allowed: trials)"),
    (
        {"sampler": {"name": "tpe", "multivariat": True}},
        "sampler.multivariat: unknown key 'multivariat'; did you mean 'multivariate'? "
        "(allowed: multivariate, n_startup_trials, name)",
    ),
    (
        {"objectives": [{"metric": "val_loss", **GOAL, "x": 1}]},
        "objectives.0.x: unknown key 'x' (allowed: goal, metric)",
    ),
    ({"method": "ats"}, "method.name: unknown method 'ats'; did you mean 'ast'? (allowed: ast, dense)"),
    ({"data": "digit"}, "data.name: unknown data set 'digit'; did you mean 'digits'? (allowed: digits, mnist)"),
    ({"model": {"name": "mpl"}}, "model.name: unknown model 'mpl'; did you mean 'mlp'? (allowed: lenet5, mlp)"),
    ({"sampler": "tep"}, "sampler.name: unknown sampler 'tep'; did you mean 'tpe'? (allowed: random, tpe)"),
    (
        {"pruner": {"name": "medain"}},
        "pruner.name: unknown pruner 'medain'; did you mean 'median'? (allowed: median, none)",
    ),
    (
        {"training": {"schedule": "cosin"}},
        "training.schedule: unknown name 'cosin'; did you mean 'cosine'? (allowed: constant, cosine, onecycle, step)",
    ),
]


@pytest.mark.parametrize(("changes", "line"), UNKNOWN, ids=lambda value: value[:20] if isinstance(value, str) else "")
def test_unknown_keys_and_names(changes: dict[str, Any], line: str, tmp_path: Path) -> None:
    found = refused(write(tmp_path, **changes))
    key, _, rest = line.partition(" (allowed: ")
    assert found.startswith(key)
    listed = found.partition(" (allowed: ")[2].rstrip(")").split(", ")
    assert {*rest.rstrip(")").split(", ")} <= {*listed}  # a registry may grow
    assert listed == sorted(listed)


OBJECTIVES: list[tuple[Any, str]] = [
    ([], "objectives: missing: at least one {metric: ..., goal: ...}"),
    (GONE, "objectives: missing: at least one {metric: ..., goal: ...}"),
    (
        [{"metric": "val_acuracy", **GOAL}],
        f"objectives.0.metric: unknown metric 'val_acuracy'; did you mean 'val_accuracy'? {LISTED}",
    ),
    (
        [{"metric": "activation_rate", **GOAL}],
        f"objectives.0.metric: 'activation_rate' is no number of 'dense' {LISTED}",
    ),
    (
        [{"metric": "val_r2", **GOAL}],
        f"objectives.0.metric: 'val_r2' is of regression; 'digits' is for classification {LISTED}",
    ),
    (
        [{"metric": "test_accuracy", **GOAL}],
        f"objectives.0.metric: 'test_accuracy' is of test data, which never selects anything {LISTED}",
    ),
    ([{"metric": "val_loss", "goal": "minimize"}] * 2, "objectives.1.metric: 'val_loss' stands twice"),
    ([{"metric": "val_loss", "goal": "min"}], "objectives.0.goal: found 'min', allowed: 'maximize' or 'minimize'"),
    ([{"metric": "val_loss"}], "objectives.0.goal: missing"),
    (["val_loss"], "objectives.0: found 'val_loss', allowed: a mapping with metric, goal, score"),
    ("val_loss", "objectives: found 'val_loss', allowed: a list"),
]


@pytest.mark.parametrize(("objectives", "line"), OBJECTIVES, ids=range(len(OBJECTIVES)))
def test_objectives(objectives: Any, line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, method="dense", space=GONE, objectives=objectives)) == line


def test_a_method_adds_its_metrics_to_the_objectives(tmp_path: Path) -> None:
    study = accepted(tmp_path, objectives=[{"metric": "clamp_share", "goal": "minimize"}])
    assert study.objectives[0].metric == "clamp_share"


def scored(score: Any, metric: str = "gain") -> list[dict[str, Any]]:
    return [{"metric": metric, "score": score, **GOAL}]


SCORES: list[tuple[Any, str]] = [
    (scored("val_acuracy"), f"objectives.0.score: unknown metric 'val_acuracy'; did you mean 'val_accuracy'? {LISTED}"),
    (scored("gain + 1"), f"objectives.0.score: unknown metric 'gain' {LISTED}"),
    (
        [*scored("loss + 1"), *scored("val_loss", "loss")],
        f"objectives.0.score: unknown metric 'loss'; did you mean 'val_loss'? {LISTED}",
    ),
    (
        scored("val_loss + test_loss"),
        f"objectives.0.score: 'test_loss' is of test data, which never selects anything {LISTED}",
    ),
    (scored("val_r2"), f"objectives.0.score: 'val_r2' is of regression; 'digits' is for classification {LISTED}"),
    (scored("activation_rate"), f"objectives.0.score: 'activation_rate' is no number of 'dense' {LISTED}"),
    (scored("energy_kj"), f"objectives.0.score: 'energy_kj' exists on a GPU only, so nothing is judged by it {LISTED}"),
    (scored("est_energy_kj"), "objectives.0.score: 'est_energy_kj' wants metrics.gpu_tdp_watts to be set"),
    (scored("1 + 2"), "objectives.0.score: found '1 + 2', allowed: a formula of metrics"),
    (
        scored("val_accuracy + 'a'"),
        "objectives.0.score: found 'a' where a number is wanted at character 14 of \"val_accuracy + 'a'\"",
    ),
    (
        scored("val_accuracy if density < 0.5 else 'dense'"),
        "objectives.0.score: found 'dense' where a number is wanted in \"val_accuracy if density < 0.5 else 'dense'\"",
    ),
    (scored("val_loss -"), "objectives.0.score: unexpected end at character 11 of 'val_loss -'"),
    (scored(3), f"objectives.0.score: found 3, allowed: {QUOTES}"),
    (
        scored("val_loss", "val_accuracy"),
        f"objectives.0.metric: 'val_accuracy' is a metric; a score wants a name of its own {LISTED}",
    ),
    *(
        (
            scored("val_loss", name),
            f"objectives.0.metric: found {name!r}, allowed: letters, digits and _, without test_ before it",
        )
        for name in ("", "a b", "a%b", "a\nb", "3d", "test_gain")
    ),
    (scored("val_loss") * 2, "objectives.1.metric: 'gain' stands twice"),
]


@pytest.mark.parametrize(("objectives", "line"), SCORES, ids=range(len(SCORES)))
def test_scores(objectives: Any, line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, method="dense", space=GONE, objectives=objectives)) == line


CONSTRAINTS: list[tuple[Any, str]] = [
    (
        [{"metric": "val_acuracy", "at_least": 0.9}],
        f"constraints.0.metric: unknown metric 'val_acuracy'; did you mean 'val_accuracy'? {LISTED}",
    ),
    (
        [{"metric": "val_loss", "at_most": 1}, {"metric": "test_loss", "at_most": 1}],
        f"constraints.1.metric: 'test_loss' is of test data, which never selects anything {LISTED}",
    ),
    (
        [{"metric": "activation_rate", "at_most": 1}],
        f"constraints.0.metric: 'activation_rate' is no number of 'dense' {LISTED}",
    ),
    (
        [{"metric": "est_energy_kj", "at_most": 1}],
        "constraints.0.metric: 'est_energy_kj' wants metrics.gpu_tdp_watts to be set",
    ),
    (
        [{"metric": "latency_ms", "at_most": 1}],
        "constraints.0.metric: 'latency_ms' wants metrics.deployed to be set",
    ),
    ([{"metric": "val_loss"}], "constraints.0: 'val_loss' has no bound; allowed: at_least, at_most, or both"),
    ([{"metric": "val_loss", "at_least": 2, "at_most": 1}], "constraints.0: found at_least 2 above at_most 1"),
    ([{"metric": "val_loss", "at_least": "a"}], "constraints.0.at_least: found 'a', allowed: a number"),
    ([{"metric": "val_loss", "at_least": True}], "constraints.0.at_least: found true, allowed: a number"),
    ([{"metric": "val_loss", "at_least": math.nan}], "constraints.0.at_least: found nan, allowed: a finite number"),
    (
        [{"metric": "val_loss", "above": 1}],
        "constraints.0.above: unknown key 'above' (allowed: at_least, at_most, metric)",
    ),
    ([{"at_least": 1}], "constraints.0.metric: missing"),
    (["val_loss < 1"], "constraints.0: found 'val_loss < 1', allowed: a mapping with metric, at_least, at_most"),
    ({"metric": "val_loss"}, "constraints: found {'metric': 'val_loss'}, allowed: a list"),
]


@pytest.mark.parametrize(("constraints", "line"), CONSTRAINTS, ids=range(len(CONSTRAINTS)))
def test_constraints(constraints: Any, line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, method="dense", space=GONE, constraints=constraints)) == line


def test_a_score_may_be_bounded(tmp_path: Path) -> None:
    objectives, constraints = scored("val_accuracy - 0.1 * density"), [{"metric": "gain", "at_least": 0.5}]
    study = accepted(tmp_path, method="dense", space=GONE, objectives=objectives, constraints=constraints)
    assert study.judged_by == ["gain"]
    line = "constraints.0.metric: unknown metric 'gain' "
    assert refused(write(tmp_path, method="dense", space=GONE, constraints=constraints)).startswith(line)


NOT_SHARED = "so nothing could be shared; let the space vary it"
CLOCK = (
    "fork: a fork evaluates all its branches while the clock runs, so each would train less than by itself; "
    "allowed: training.max_minutes without a fork"
)
COUNTS = {"method.mc_samples": [1, 5]}
FORKS: list[tuple[dict[str, Any], str]] = [
    (
        {"fork": {"method.mc_sample": [1, 5]}},
        "fork.method.mc_sample: unknown name 'method.mc_sample'; did you mean 'method.mc_samples'? "
        "(allowed: method.mc_samples), for 'dense'",
    ),
    (
        {"fork": {"mc_samples": [1, 5]}},
        "fork.mc_samples: unknown name 'mc_samples'; did you mean 'method.mc_samples'? "
        "(allowed: method.mc_samples), for 'dense'",
    ),
    (
        {"fork": {"trainig.lr": [0.1, 0.2]}},
        "fork.trainig.lr: unknown name 'trainig.lr' (allowed: method.mc_samples), for 'dense'",
    ),
    (
        {"fork": {"training.lr": [0.1, 0.2]}},
        f"fork.training.lr: 'training.lr' matters from the start of a training, {NOT_SHARED}",
    ),
    (
        {"fork": {"training.schedule": ["cosine"]}},
        f"fork.training.schedule: 'training.schedule' matters from the start of a training, {NOT_SHARED}",
    ),
    ({"fork": {"seed": [1, 2]}}, f"fork.seed: 'seed' matters from the start of a training, {NOT_SHARED}"),
    (
        {"fork": {"method.p_dropout": [0.1, 0.2]}},
        f"fork.method.p_dropout: 'method.p_dropout' matters from phase 'train', the first of 'dense', {NOT_SHARED} "
        "(what can be forked: method.mc_samples)",
    ),
    (
        {"method": "ast", "fork": {"method.ki": [0.1, 0.2]}},
        f"fork.method.ki: 'method.ki' matters from phase 'train', the first of 'ast', {NOT_SHARED} "
        "(what can be forked: nothing)",
    ),
    (
        {"method": {"choose": {"dense": None, "ast": None}}, "fork": COUNTS},
        "fork.method.mc_samples: unknown name 'method.mc_samples' (allowed: none), for 'ast'",
    ),
    *(
        ({"fork": {"method.mc_samples": values}}, f"fork.method.mc_samples: found {said}, allowed: a list of values")
        for values, said in (
            (5, "5"),
            ("1, 5", "'1, 5'"),
            (None, "null"),
            ([], "[]"),
            ({"int": [1, 5]}, "{'int': [1, 5]}"),
        )
    ),
    (
        {"fork": {"method.mc_samples": [1, 5, 1]}},
        "fork.method.mc_samples: found [1, 5, 1], allowed: each value once",
    ),
    ({"fork": {"method.mc_samples": [1, -5]}}, "fork.method.mc_samples: found -5, allowed: at least 0"),
    ({"fork": {"method.mc_samples": [1, 1.0]}}, "fork.method.mc_samples: found 1.0, allowed: a whole number"),
    ({"fork": {"method.mc_samples": [1, True]}}, "fork.method.mc_samples: found true, allowed: a whole number"),
    ({"fork": [1, 5]}, "fork: found [1, 5], allowed: a mapping"),
    (
        {"fork": COUNTS, "space": {"method.mc_samples": {"int": [1, 5]}}},
        "fork.method.mc_samples: varied by the space too; remove one",
    ),
    (
        {"fork": COUNTS, "method": {"name": "dense", "mc_samples": 5}},
        "fork.method.mc_samples: 'method.mc_samples' is written in this file too; remove one",
    ),
    (
        {"fork": COUNTS},
        "fork.method.mc_samples: changes nothing while method.n_dropout_layers is 0; allowed: with a larger one, or "
        "one that the space varies",
    ),
    ({"fork": COUNTS, "training": {"max_minutes": 1.0}}, CLOCK),
    ({"fork": COUNTS, "space": {"training.max_minutes": {"float": [0.5, 1.0]}}}, CLOCK),
]


@pytest.mark.parametrize(("changes", "line"), FORKS, ids=range(len(FORKS)))
def test_forks(changes: dict[str, Any], line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, **{"method": "dense", "space": GONE, **changes})) == line


def test_a_fork_without_a_clock_is_accepted(tmp_path: Path) -> None:
    training = {"epochs": 2, "max_minutes": None, "early_stop_patience": 1}
    method = {"name": "dense", "n_dropout_layers": 1}
    study = accepted(tmp_path, method=method, space=GONE, fork=COUNTS, training=training)
    assert [branch.name for branch in study.branches] == ["mc_samples=1", "mc_samples=5"]


def test_a_fork_over_samples_is_accepted_where_dropout_varies(tmp_path: Path) -> None:
    """Also where the space may draw none: those rows are alike, and cost next to nothing."""
    space = {"method.n_dropout_layers": {"int": [0, 1]}}
    assert len(accepted(tmp_path, method="dense", space=space, fork=COUNTS).branches) == 2


TYPES: list[tuple[dict[str, Any], str]] = [
    ({"training": {"epochs": "many"}}, "training.epochs: found 'many', allowed: a whole number"),
    ({"training": {"epochs": "3"}}, "training.epochs: found '3', allowed: a whole number"),
    ({"training": {"epochs": True}}, "training.epochs: found true, allowed: a whole number"),
    ({"training": {"epochs": 2.5}}, "training.epochs: found 2.5, allowed: a whole number"),
    ({"training": {"epochs": 0}}, "training.epochs: found 0, allowed: at least 1"),
    ({"training": {"epochs": None}}, "training: found neither epochs nor iterations, allowed: one of them"),
    ({"training": {"lr": "0.1"}}, "training.lr: found '0.1', allowed: a number"),
    ({"training": {"lr": False}}, "training.lr: found false, allowed: a number"),
    ({"training": {"lr": math.inf}}, "training.lr: found inf, allowed: a finite number"),
    ({"training": {"momentum": 1}}, "training.momentum: found 1, allowed: below 1"),
    ({"training": {"optimizer": "sdg"}}, "training.optimizer: found 'sdg', allowed: 'sgd', 'adam' or 'adamw'"),
    (
        {"training": {"schedule": 3}},
        "training.schedule: found 3, allowed: a mapping with name, every, gamma, min_lr, per, pct_start, div_factor, "
        "final_div_factor, cycle_momentum, base_momentum, max_momentum",
    ),
    (
        {"training": {"schedule": {"name": "onecycle", "pct_start": 1.5}}},
        "training.schedule.pct_start: found 1.5, allowed: at most 1",
    ),
    ({"training": {"grad_accum_steps": 0}}, "training.grad_accum_steps: found 0, allowed: at least 1"),
    ({"training": {"label_smoothing": 1}}, "training.label_smoothing: found 1, allowed: below 1"),
    ({"training": {"clip_grad_norm": 0}}, "training.clip_grad_norm: found 0, allowed: above 0"),
    ({"training": {"warmup_epochs": -0.5}}, "training.warmup_epochs: found -0.5, allowed: at least 0"),
    (
        {"training": {"reduction": "sum", "grad_accum_steps": 2}},
        "training.reduction: found sum with grad_accum_steps 2, allowed: mean, or grad_accum_steps 1",
    ),
    (
        {"training": {"nesterov": True, "optimizer": "adam"}},
        "training.nesterov: found true with optimizer adam, allowed: sgd",
    ),
    (
        {"training": {"nesterov": True, "momentum": 0}},
        "training.nesterov: found true with momentum 0, allowed: a momentum above 0",
    ),
    (
        {"training": {"mixed_precision": True, "dtype": "float64"}},
        "training.mixed_precision: found true with dtype float64, allowed: float32",
    ),
    (
        {"training": {"schedule": {"every": 3}}},
        "training.schedule: found {'every': 3}, allowed: a mapping with a name (constant, step, cosine, onecycle)",
    ),
    ({"model": {"name": "mlp", "hidden": 8}}, "model.hidden: found 8, allowed: a list"),
    ({"model": {"name": "mlp", "hidden": [8, "a"]}}, "model.hidden.1: found 'a', allowed: a whole number"),
    ({"method": {"name": "ast", "min_active": "a"}}, "method.min_active: found 'a', allowed: a number"),
    ({"method": {"name": "ast", "target_activation": 2}}, "method.target_activation: found 2, allowed: at most 1"),
    ({"method": GONE}, "method: missing"),
    ({"budget": GONE}, "budget: missing"),
    ({"budget": 3}, "budget: found 3, allowed: a mapping with trials"),
    (
        {"sampler": 3},
        "sampler: found 3, allowed: a name, or a mapping with a name (cmaes, gp, grid, nsga2, nsga3, qmc, random, tpe)",
    ),
    (
        {"sampler": {"name": "tpe", "multivariate": "maybe"}},
        "sampler.multivariate: found 'maybe', allowed: true or false",
    ),
    ({"seed": "a"}, "seed: found 'a', allowed: a whole number from 0 to 2^32 - 1"),
    ({"seed": -1}, "seed: found -1, allowed: a whole number from 0 to 2^32 - 1"),
    ({"storage": 3}, f"storage: found 3, allowed: {QUOTES}"),
    ({"study": 3}, f"study: found 3, allowed: {QUOTES}"),
    ({"resources": {"gpus": 1.5}}, f"resources.gpus: found 1.5, allowed: {WANTED_GPUS}"),
    ({"resources": {"gpus": -1}}, f"resources.gpus: found -1, allowed: {WANTED_GPUS}"),
    ({"resources": {"gpus": math.nan}}, f"resources.gpus: found nan, allowed: {WANTED_GPUS}"),
    ({"resources": {"gpus": math.inf}}, f"resources.gpus: found inf, allowed: {WANTED_GPUS}"),
    ({"resources": {"gpus": "all"}}, "resources.gpus: found 'all', allowed: 'auto' or a number"),
    ({"resources": {"gpus": True}}, "resources.gpus: found true, allowed: 'auto' or a number"),
    ({"resources": {"cpus": 0}}, "resources.cpus: found 0, allowed: at least 1"),
    *(
        ({"tracking": {"report_every": v}}, f"tracking.report_every: {v!r}: {DURATION}")
        for v in ("5", "0s", "x", "1.5ep", "-1s", "1h", "1e3s")
    ),
    ({"tracking": {"figures": "best"}}, "tracking.figures: found 'best', allowed: 'front', 'all' or 'none'"),
    ({"tracking": {"figures": False}}, "tracking.figures: found false, allowed: 'front', 'all' or 'none'"),
    ({"tracking": {"checkpoint_every": 5}}, f"tracking.checkpoint_every: found 5, allowed: {QUOTES}"),
    *(
        ({"study": v}, f"study: found {v!r}, allowed: 1 to 200 printable characters")
        for v in ("", " ", "a\nb", "\u202e")
    ),
    ({"study": "a" * 201}, f"study: found '{'a' * 59}... (203 characters), allowed: 1 to 200 printable characters"),
    (
        {"pruner": "median", "objectives": [*GOOD["objectives"], {"metric": "val_loss", "goal": "minimize"}]},
        "pruner.metric: missing: with several objectives one metric is judged, such as val_accuracy",
    ),
    (
        {"pruner": "median", "objectives": [{"metric": "clamp_share", "goal": "minimize"}]},
        "pruner.metric: 'clamp_share' is known only at the end of a trial: nothing to prune on "
        "(`sparsetune metrics` lists them)",
    ),
]


@pytest.mark.parametrize(("changes", "line"), TYPES, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_values(changes: dict[str, Any], line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, **changes)) == line


def test_no_such_file(tmp_path: Path) -> None:
    missing = tmp_path / "a.yaml"
    with pytest.raises(BadInput) as caught:
        load(missing)
    assert str(caught.value) == f"{missing}: no such file"
    with pytest.raises(BadInput) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


def test_not_text(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(b"study: \xff")
    assert refused(file) == "cannot be read: not UTF-8 at byte 7"


def test_no_project_upward(tmp_path: Path) -> None:
    file = write(tmp_path)
    (tmp_path / "search_spaces").rmdir()
    assert refused(file) == "no folder upward from here has search_spaces/, the mark of a project's root"
