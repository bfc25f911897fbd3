"""How long something lasts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.durations import Duration

DURATIONS = st.builds(Duration, st.integers(0, 10**12), st.sampled_from(["ep", "it"]))


@given(DURATIONS)
def test_what_is_written_is_read(duration: Duration) -> None:
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10ep", Duration(10)),
        ("500it", Duration(500, "it")),
        ("0ep", Duration(0)),
        (" 3 it ", Duration(3, "it")),
        ("007ep", Duration(7)),
    ],
)
def test_durations_by_hand(text: str, expected: Duration) -> None:
    assert Duration.parse(text) == expected


NONE = ["", "10", "ep", "10 s", "1.5ep", "-1ep", "+1ep", "10EP", "10epochs", "1e3it", "1ep 2it", "1ep\n2it"]


@pytest.mark.parametrize("text", NONE)
def test_what_is_none_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^found '.*', allowed: a duration such as '10ep' \(epochs\) or '5") as said:
        Duration.parse(text)
    assert repr(text) in str(said.value)
    assert "\n" not in str(said.value)


def test_iterations_by_hand() -> None:
    """An epoch of seven."""
    durations = [Duration(3), Duration(3, "it"), Duration(0), Duration(0, "it")]
    assert [each.iterations(7) for each in durations] == [21, 3, 0, 0]


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_epochs_are_iterations_of_so_many_epochs(count: int, epoch: int) -> None:
    assert Duration(count).iterations(epoch) == Duration(count * epoch, "it").iterations(epoch)


def test_epochs_are_not_iterations() -> None:
    assert len({Duration(2), Duration(2, "ep"), Duration(2, "it"), Duration(3)}) == 3
