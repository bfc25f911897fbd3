"""Tables of a file of one's own: added by value, and refused where an entry cannot be."""

from __future__ import annotations

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.config.own_tables import with_files
from sparsetune.config.registry import Registry, StudyRegistries
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.methods import METHODS, METRICS
from sparsetune.training.registries import REGISTRIES, registries_of

from .files import METHOD, SAMPLER, own, toy

NUMBERS = "from sparsetune.config.metrics import Metric\n"


def refusal(text: str) -> str:
    with pytest.raises(BadInput) as raised:
        registries_of((own(text),))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_all_tables_of_a_file() -> None:
    known = registries_of((toy(),))
    assert set(known.method.names()) == {"toy", *METHODS.names()}
    assert known.method.get("toy").__name__ == "ToyPruning"
    assert known.method.get("dense") is REGISTRIES.method.get("dense")
    assert known.metrics["norm"].scope == "end"
    assert known.metrics["margin"].definition.endswith(", on the validation split")
    assert known.metrics["test_margin"].definition.endswith(", on the test split; never selects anything")
    assert list(known.measures_of("classification")) == ["margin"]
    assert known.core("classification")[-2:] == ("margin", "test_margin")
    assert known.measures_of("regression") == {}


def test_nothing_global_changes() -> None:
    names, numbers = METHODS.names(), list(METRICS)
    registries_of((toy(),))
    assert METHODS.names() == names
    assert list(METRICS) == numbers
    assert registries_of() is registries_of(())
    assert registries_of().method is METHODS


def test_samplers_are_for_the_driver_alone() -> None:
    """A worker has no registry of them; that they are sound is seen everywhere."""
    assert registries_of((own(SAMPLER),)).method.names() == METHODS.names()
    nothing = Registry("sampler", {})
    known = StudyRegistries(REGISTRIES.method, REGISTRIES.data, REGISTRIES.model, nothing, nothing)
    assert with_files(known, (own(SAMPLER),)).sampler.names() == ["mine"]
    said = refusal(SAMPLER.replace("class Mine(Sampler)", "class Mine"))
    assert said.endswith("found class Mine, allowed: a subclass of sparsetune.search.samplers.contract.Sampler")


def test_two_versions_of_a_file_side_by_side() -> None:
    first, second = own(METHOD), own(METHOD.replace("VALUE = 1", "VALUE = 2"))
    assert [registries_of((each,)).method.get("mine").VALUE for each in (first, second, first)] == [1, 2, 1]


def test_a_method_s_numbers_may_stand_in_its_class() -> None:
    """Those of a table too, whose row it takes; another row of that name is refused."""
    imports = f"{NUMBERS}from sparsetune.sparsity.metrics import ACTIVATION_RATE\n"
    row = 'Metric("size", "", None, "epoch", "of it")'
    text = imports + METHOD.replace("VALUE = 1", f'metrics = ({row}, ACTIVATION_RATE, "density")')
    registries = registries_of((own(text),))
    assert registries.metrics["size"].definition == "of it"
    assert registries.metrics["activation_rate"] is METRICS["activation_rate"]
    said = refusal(text.replace('"size"', '"ece"'))
    assert said == "my_method.py: METHODS.mine.metrics.ece: metric 'ece' exists already; allowed: another name"
    assert refusal(text.replace('"size"', '"a b"')).startswith("my_method.py: METHODS.mine.metrics.a b: found 'a b'")


def test_a_row_of_the_class_and_of_the_table_is_one() -> None:
    """Two methods may have the same one, too; of two rows with one name the second is refused."""
    row = 'SIZE = Metric("size", "", None, "end", "of it")\n'
    text = NUMBERS + row + METHOD.replace("VALUE = 1", "metrics = (SIZE,)")
    other = """
class Another(Mine):
    class Config(Config):
        name: Literal["another"] = "another"

METHODS["another"] = Another
"""
    assert registries_of((own(f"{text}METRICS = {{SIZE: None}}{other}"),)).metrics["size"].definition == "of it"
    differs = other.replace("    class", f"    metrics = ({row[7:-1]},)\n    class").replace("of it", "of another")
    said = refusal(text + differs)
    assert said == "my_method.py: METHODS.another.metrics.size: metric 'size' exists already; allowed: another name"


def test_a_method_may_leave_a_table_of_its_own() -> None:
    text = METHOD.replace("VALUE = 1", 'table = {"epoch": ("epoch",), "kept": ("density", "ece")}')
    assert list(registries_of((own(text),)).method.get("mine").table) == ["epoch", "kept"]


def test_names_that_exist() -> None:
    dense = METHOD.replace('"mine"', '"dense"')
    assert refusal(dense) == "my_method.py: METHODS: method 'dense' exists already; allowed: another name"
    with pytest.raises(BadInput, match=r"other\.py: METHODS: method 'mine' exists already"):
        registries_of((own(METHOD), own(METHOD + "\n", "other.py")))
    number = f'{NUMBERS}METRICS = {{Metric("ece", "", None, "end", "mine"): max}}\n'
    assert refusal(number) == "my_method.py: METRICS.ece: metric 'ece' exists already; allowed: another name"
    test = f'{NUMBERS}METRICS = {{Metric("brier", "", None, "end", "mine"): max}}\n'
    assert "metric 'brier' exists already" in refusal(test)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("METHODS = {", "METHOD = {", "METHOD: unknown table; did you mean 'METHODS'? (allowed: METHODS, "),
        ("METHODS = {", "LOSSES = {", "LOSSES: unknown table (allowed: METHODS, MODELS, "),
        ("METHODS = {", "methods = {", "registers nothing: it has none of the tables METHODS, MODELS, "),
        ('{"mine": Mine}', "[Mine]", "METHODS: found a value of type list, allowed: a mapping from names to classes"),
        ('{"mine": Mine}', '{"mine": 3}', "METHODS.mine: found a value of type int, allowed: a subclass of spars"),
        ('{"mine": Mine}', '{"mine": Config}', "METHODS.mine: found class Config, allowed: a subclass of sparsetune."),
        ('{"mine": Mine}', "{3: Mine}", "METHODS.3: found 3, allowed: a name as study files have it"),
        ('{"mine": Mine}', '{"own": Mine}', "METHODS.own: its Config has the name 'mine'; allowed: that of its key, "),
        ('name: Literal["mine"] = "mine"', "", "METHODS.mine: its Config has no name; allowed: that of its key, "),
        ("Mine.Config = Config", "", "METHODS.mine: class Mine has no Config that derives from sparsetune.config.b"),
        ('phase="train"', 'phase="tain"', "METHODS.mine.strength: found phase 'tain', allowed: train, evaluation"),
        ("VALUE = 1", 'metrics = ("new",)', "METHODS.mine: its number 'new' stands in no table of metrics; give it a "),
        ("VALUE = 1", "metrics = 3", "METHODS.mine.metrics: found a value of type int, allowed: a tuple of rows, "),
        ("VALUE = 1", 'metrics = "density"', "METHODS.mine.metrics: found a value of type str, allowed: a tuple of ro"),
        ("VALUE = 1", 'metrics = ("density", 3)', "METHODS.mine.metrics: found 3, allowed: a tuple of rows, "),
        ("VALUE = 1", "metrics = (None,)", "METHODS.mine.metrics: found null, allowed: a tuple of rows, "),
        ("VALUE = 1", "table = []", "METHODS.mine.table: found a value of type list, allowed: a mapping from columns "),
        ("VALUE = 1", 'table = {"d": ("density", "new")}', "METHODS.mine.table.d: its number 'new' stands in no table"),
        ("VALUE = 1", 'table = {"d": ([3],)}', "METHODS.mine.table.d: its number [3] stands in no table of metrics"),
        (
            "VALUE = 1",
            'table = {"d": "density"}',
            "METHODS.mine.table.d: found 'density', allowed: a tuple of names of",
        ),
        (
            "VALUE = 1",
            'table = {"d": ()}',
            "METHODS.mine.table.d: found (), allowed: a tuple of names of numbers, the ",
        ),
    ],
)
def test_entries_that_cannot_be(old: str, new: str, said: str) -> None:
    assert old in METHOD
    assert refusal(METHOD.replace(old, new)).startswith(f"my_method.py: {said}")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[1]", "METRICS: found a value of type list, allowed: a mapping from metrics to functions or None"),
        ('{"new": max}', "METRICS: found 'new', allowed: sparsetune.config.metrics.Metric(...): a function or None"),
        (
            '{Metric("new", "", None, "end", "x"): 3}',
            "METRICS.new: found a value of type int, allowed: a function of (",
        ),
        ('{Metric("new", "", None, "epoch", "x"): max}', "METRICS.new: found scope 'epoch', allowed: 'end', for a fun"),
        ('{Metric("new", "", None, "epoch", "x"): None}', "METRICS.new: no method of the file has it in its `metrics`"),
        (
            '{Metric("test_new", "", None, "end", "x"): max}',
            "METRICS.test_new: found 'test_new', allowed: letters, dig",
        ),
        ('{Metric("a b", "", None, "end", "x"): max}', "METRICS.a b: found 'a b', allowed: letters, digits and _"),
    ],
)
def test_metrics_that_cannot_be(table: str, said: str) -> None:
    assert refusal(f"{NUMBERS}METRICS = {table}\n").startswith(f"my_method.py: {said}")


def test_the_names_of_the_base_classes_are_right() -> None:
    """They stand as text where their rooms may not be imported."""
    from importlib import import_module

    from sparsetune.config.own_tables import TABLES

    for table in TABLES.values():
        for base in (table.base, table.config):
            module, _, name = base.rpartition(".")
            assert isinstance(getattr(import_module(module), name), type)


EARLIER = {
    "    def __init__(self, config, network, training, subject=None): pass\n": "__init__(self, config, session)",
    "    def select(self, inputs, targets, phase, epoch): pass\n": "select(self, inputs, targets)",
    "    def tree(self): pass\n": "tree(config, training)",
}


@pytest.mark.parametrize("line", EARLIER)
def test_a_method_written_for_an_earlier_version(line: str) -> None:
    said = refusal(METHOD.replace("    VALUE = 1\n", line))
    assert said.startswith("my_method.py: METHODS.mine: Mine.")
    assert f"was written for another version of sparsetune: this one calls {EARLIER[line]}" in said


@pytest.mark.parametrize("name", Method.former)
def test_a_hook_of_an_earlier_version_is_no_hook(name: str) -> None:
    """It would never be called, whatever it takes."""
    said = refusal(METHOD.replace("VALUE = 1", f"def {name}(self, *given): pass"))
    assert said == (
        f"my_method.py: METHODS.mine: Mine.{name} was written for another version of sparsetune: what it was for is "
        f"done by {Method.former[name]} now; Method in sparsetune.sparsity.method says how"
    )


@pytest.mark.parametrize(
    "line",
    [
        "    def __init__(self, *given): super().__init__(*given)\n",
        "    def select(self, inputs, targets, more=1): pass\n",
        "    @staticmethod\n    def tree(config, training): pass\n",
        "    def summary(self): return {}\n",
    ],
)
def test_what_can_be_called_alike_is_taken(line: str) -> None:
    assert "mine" in registries_of((own(METHOD.replace("    VALUE = 1\n", line)),)).method.names()


def test_what_has_moved_is_said() -> None:
    method = registries_of((own(METHOD),)).method.get("mine")(None, None)
    with pytest.raises(AttributeError, match=r"^'Mine' has no attribute 'network': it is session\.network now$"):
        _ = method.network
    assert not hasattr(method, "subject")
    method.training = "its own"
    assert method.training == "its own"
