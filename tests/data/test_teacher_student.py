"""Teacher-student: the conformance suite, the teacher by hand, the noise measured."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from sparsetune.base.errors import BadInput
from sparsetune.config.base import check_model
from sparsetune.config.facts import Facts
from sparsetune.data import DATA
from sparsetune.data.teacher_student import TeacherStudent, TeacherStudentConfig, outputs, samples, teacher
from sparsetune.testing.data import CHECKS, Check, DataCase

CONFIGS = {
    "default": TeacherStudentConfig(),
    "wide": TeacherStudentConfig(teacher=(7, 20, 3), normalize="standard", num_train=40, val_size=30, test_size=20),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, config: TeacherStudentConfig) -> None:
    check(DataCase(TeacherStudent, config, draws="samples"))


def test_what_is_known_of_it() -> None:
    assert DATA.get("teacher_student").facts(TeacherStudentConfig()) == Facts((2,), 1, "regression", 300)
    dataset = TeacherStudent.load(TeacherStudentConfig())
    assert [len(split) for split in dataset.splits] == [300, 1_000, 5_000]
    assert dataset.target_scaling is None


def test_the_teacher_has_72_parameters_in_their_ranges() -> None:
    layers = teacher((2, 5, 8, 1), np.random.RandomState(0))
    assert [weights.shape for weights, _ in layers] == [(5, 2), (8, 5), (1, 8)]
    assert sum(weights.size + biases.size for weights, biases in layers) == 72
    bounds = [math.sqrt(3) * 5 / 3 / math.sqrt(2), math.sqrt(3) * 5 / 3 / math.sqrt(5), math.sqrt(3) / math.sqrt(8)]
    drawn = [np.concatenate(each) for each in zip(*(unscaled(seed) for seed in range(200)), strict=True)]
    for values, bound in zip(drawn, bounds, strict=True):
        assert 0.97 * bound < np.abs(values).max() <= bound
        assert abs(values.mean()) < 0.05 * bound
    biases = [
        np.concatenate([teacher((2, 5, 8, 1), np.random.RandomState(s))[n][1] for s in range(200)]) for n in (0, 2)
    ]
    assert 0.97 / math.sqrt(2) < np.abs(biases[0]).max() <= 1 / math.sqrt(2)
    assert 0.95 / math.sqrt(8) < np.abs(biases[1]).max() <= 1 / math.sqrt(8)


def unscaled(seed: int) -> list[Any]:
    """The teacher's weights before the first became 2 W + 1 and the second 2 W."""
    (first, _), (second, _), (third, _) = teacher((2, 5, 8, 1), np.random.RandomState(seed))
    return [((first - 1) / 2).ravel(), (second / 2).ravel(), third.ravel()]


class Uppermost:
    """Draws the upper bound of whatever it is asked for."""

    def uniform(self, low: float, high: float, size: Any) -> Any:
        return np.full(size, high)


def test_the_teacher_s_weights_by_hand() -> None:
    """Bounds 5/3 sqrt(3/2), 5/3 sqrt(3/5), sqrt(3/8); the first becomes 2 W + 1, the second 2 W; biases stay."""
    (first, b1), (second, b2), (third, b3) = teacher((2, 5, 8, 1), Uppermost())  # type: ignore[arg-type]
    expected = [2 * 2.0412415 + 1, 2 * 1.2909944, 0.6123724]
    assert [each[0, 0] for each in (first, second, third)] == pytest.approx(expected)
    assert [each[0] for each in (b1, b2, b3)] == pytest.approx([0.7071068, 0.4472136, 0.3535534])


def test_no_sample_is_in_two_splits() -> None:
    splits = TeacherStudent.load(TeacherStudentConfig()).splits
    rows = np.concatenate([split.inputs.numpy() for split in splits])
    assert len(np.unique(rows, axis=0)) == 6_300


def test_the_truth_is_what_targets_are_made_of() -> None:
    """On the samples as they lie in files, also where networks see them scaled."""
    exact = TeacherStudent.load(TeacherStudentConfig(noise=0, normalize="standard"))
    assert exact.truth is not None
    assert (exact.truth.low, exact.truth.high) == (-1, 1)
    np.testing.assert_allclose(exact.truth.function(exact.val.store.numpy()), exact.val.targets.numpy(), rtol=1e-6)
    assert not torch.equal(exact.val.inputs, exact.val.store)


def test_outputs_by_hand_and_by_torch() -> None:
    tiny = [(np.array([[1.0, 2.0]]), np.array([0.5])), (np.array([[3.0]]), np.array([-1.0]))]
    assert outputs(tiny, np.array([[0.25, -0.125]])).item() == pytest.approx(3 * math.tanh(0.5) - 1)
    layers = teacher((3, 4, 5, 2), np.random.RandomState(1))
    inputs = np.random.RandomState(2).uniform(-1, 1, (10, 3))
    values = torch.from_numpy(inputs)
    for number, (weights, biases) in enumerate(layers):
        values = torch.nn.functional.linear(values, torch.from_numpy(weights), torch.from_numpy(biases))
        values = values if number == 2 else values.tanh()
    np.testing.assert_allclose(outputs(layers, inputs), values.numpy(), rtol=1e-12)


def test_noise_is_a_standard_deviation() -> None:
    layers = teacher((2, 5, 8, 1), np.random.RandomState(0))
    drawn = samples(layers, 20_000, 0.08, np.random.RandomState(1))
    errors = drawn.targets - outputs(layers, drawn.inputs.astype(np.float64))
    assert np.square(errors).mean() == pytest.approx(0.0064, rel=0.05)  # the least MSE that a student can have
    assert abs(errors.mean()) < 4 * 0.08 / math.sqrt(20_000)
    assert abs(np.corrcoef(errors[:, 0], drawn.inputs[:, 0])[0, 1]) < 0.04
    exact = samples(layers, 50, 0.0, np.random.RandomState(1))
    np.testing.assert_allclose(exact.targets, outputs(layers, exact.inputs.astype(np.float64)), rtol=1e-6)


def test_inputs_fill_the_square() -> None:
    inputs = TeacherStudent.load(TeacherStudentConfig()).test.inputs
    assert inputs.min() >= -1
    assert inputs.max() < 1
    assert inputs.mean(0).abs().max() < 0.05
    assert (inputs.var(0) - 1 / 3).abs().max() < 0.02


def test_each_split_has_its_own_numbers_whatever_their_sizes() -> None:
    """The original drew validation and test with one seed: the test began with the validation samples."""
    config = TeacherStudentConfig(num_train=100, val_size=100, test_size=100)
    train, val, test = (split.inputs for split in TeacherStudent.load(config).splits)
    assert not torch.equal(val, test)
    assert not torch.equal(train, val)
    larger = TeacherStudent.load(config.model_copy(update={"val_size": 200}))
    assert torch.equal(larger.test.inputs, test)
    assert torch.equal(larger.train.inputs, train)


def test_the_samples_of_seed_0_are_the_same_for_ever() -> None:
    dataset = TeacherStudent.load(TeacherStudentConfig())
    found = [[*split.inputs[0].tolist(), split.targets[0].item()] for split in dataset.splits]
    expected = [
        [-0.7740114, -0.1643423, -0.0085882],
        [-0.9770977, 0.3712993, 0.4262834],
        [-0.4505886, 0.8422093, 0.3323182],
    ]
    np.testing.assert_allclose(found, expected, atol=2e-7)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a fraction": ({"val_size": 0.1}, "data.val_size: found 0.1, allowed: a whole number"),
    "no samples": ({"test_size": 0}, "data.test_size: found 0, allowed: at least 1"),
    "all": ({"num_train": None}, "data.num_train: found null, allowed: a whole number"),
    "no hidden layer": ({"teacher": [2, 1]}, "data.teacher: found [2, 1], allowed: three widths or more"),
    "an empty layer": ({"teacher": [2, 0, 1]}, "data.teacher: found [2, 0, 1], allowed: three widths or more"),
    "negative noise": ({"noise": -0.1}, "data.noise: found -0.1, allowed: at least 0"),
    "pixels": ({"normalize": "unit"}, "data.normalize: found 'unit', allowed: 'standard' or 'none'"),
    "classes": ({"stratified": True}, "data.stratified: found true, allowed: False"),
    "images": ({"augment": "flip"}, "data.augment: found 'flip', allowed: 'none'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_settings(what: str) -> None:
    settings, message = WRONG[what]
    with pytest.raises(BadInput) as caught:
        check_model(TeacherStudentConfig, settings, key="data")
    assert str(caught.value).startswith(message)


def test_settings_from_a_file() -> None:
    config = check_model(TeacherStudentConfig, {"teacher": [2, 3, 1], "noise": 0}, key="data")
    assert config.teacher == (2, 3, 1)
