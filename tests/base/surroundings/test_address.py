"""RAY_ADDRESS: what it says, what is refused before anything is asked, and what is found out by asking."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.surroundings.cluster import Trouble, address, parts, shown, trouble_at, trouble_with

SECONDS = 5.0


@pytest.mark.parametrize("value", [None, "", " ", "\t", "local", " local "])
def test_what_says_nothing_is_a_ray_of_ones_own(value: str | None) -> None:
    found = address({} if value is None else {"RAY_ADDRESS": value})
    assert (found, trouble_with(found)) == ("local", None)


@pytest.mark.parametrize(
    "value", ["auto", "127.0.0.1:6379", "head:6379", "head.example.org:1", "[::1]:6379", " 10.0.0.1:65535 "]
)
def test_what_may_be_a_cluster(value: str) -> None:
    assert trouble_with(address({"RAY_ADDRESS": value})) is None


OWN = "set RAY_ADDRESS to the cluster's own port, {}:6379 unless `ray start` was given another"


@pytest.mark.parametrize(
    ("value", "problem", "host"),
    [
        ("127.0.0.1", "no port", "127.0.0.1"),
        ("head", "no port", "head"),
        ("127.0.0.1:", "no port", "127.0.0.1"),
        ("[::1]", "no port", "[::1]"),
        ("AUTO", "no port", "AUTO"),
        ("head:six", "'six' is no port", "head"),
        ("head:0", "'0' is no port", "head"),
        ("head:65536", "'65536' is no port", "head"),
        ("head:-1", "'-1' is no port", "head"),
        ("head:6379/", "'6379/' is no port", "head"),
        ("head:63 79", "'63 79' is no port", "head"),
        ("head:٦٣٧٩", "'٦٣٧٩' is no port", "head"),
        ("http://127.0.0.1:8265", "that is where the dashboard is and `ray job submit` goes", "127.0.0.1"),
        ("http://127.0.0.1:8265/", "that is where the dashboard is and `ray job submit` goes", "127.0.0.1"),
        ("https://ray.example.org", "that is where the dashboard is and `ray job submit` goes", "ray.example.org"),
        ("HTTP://[::1]:8265?x=1", "that is where the dashboard is and `ray job submit` goes", "[::1]"),
        ("https://me:secret@head:8265", "that is where the dashboard is and `ray job submit` goes", "head"),
        ("redis://head:6379", "'redis' is no scheme of Ray's", "head"),
        ("://", "'' is no scheme of Ray's", "HOST"),
    ],
)
def test_what_cannot_be_one_names_the_port_that_is_meant(value: str, problem: str, host: str) -> None:
    assert trouble_with(value) == Trouble(problem, OWN.format(host))


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("ray://head:10001", "a study does not run through Ray's client; start the study on a machine of the cluster"),
        (":6379", "no host; set RAY_ADDRESS to HOST:PORT of a cluster, auto or local"),
        ("::1:6379", "an address of IPv6 stands in brackets; set RAY_ADDRESS to [ADDRESS]:PORT"),
        ("::1", "an address of IPv6 stands in brackets; set RAY_ADDRESS to [ADDRESS]:PORT"),
    ],
)
def test_others_are_told_what_to_do(value: str, line: str) -> None:
    trouble = trouble_with(value)
    assert trouble is not None
    assert str(trouble.refused(value)).startswith(f"RAY_ADDRESS: found {value}: {line}")


def test_a_password_is_not_shown() -> None:
    named = "https://me:p@ss:word@head:8265"
    trouble = trouble_with(named)
    assert trouble is not None
    line = str(trouble.refused(named))
    assert line.startswith("RAY_ADDRESS: found https://head:8265: ")
    assert "word" not in line
    assert shown("me:secret@head:6379") == "head:6379"


@given(st.text())
def test_whatever_it_says_is_understood_or_refused_in_one_line(text: str) -> None:
    found = address({"RAY_ADDRESS": text})
    trouble = trouble_with(found)
    if trouble is None and found not in ("local", "auto"):
        host, port = parts(found)
        assert host
        assert 0 < int(port) < 2**16
    elif trouble is not None:
        assert "\n" not in str(trouble.refused(found))


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """A server that gives this answer to whoever asks; None: it hangs up. Gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):  # whoever has read enough hangs up
                if answer is not None:
                    connection.recv(100)
                    connection.sendall(answer)
                    connection.recv(100)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


SETTINGS = bytes((0, 0, 6, 4, 0, 0, 0, 0, 0)) + bytes((0, 3, 0, 0, 0, 100))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (SETTINGS, ""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "a web server answers there, as Ray's dashboard is one"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "what answers there is no Ray cluster"),
        (b"", "what answers there is no Ray cluster"),
        (b"x", "what answers there is no Ray cluster"),
        (None, "what answers there is no Ray cluster"),
    ],
)
def test_what_answers_is_asked_what_it_is(answer: bytes | None, problem: str) -> None:
    seconds = SECONDS if answer else 0.2  # an answer of nothing is one that does not come
    with server(answer) as there:
        trouble = trouble_at(there, seconds)
    assert (trouble.problem if trouble else "") == problem


def test_a_cluster_with_certificates_is_only_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USE_TLS", "1")
    with server(None) as there:
        assert trouble_at(there, SECONDS) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid", "x" * 70, "", "a..b"])
def test_where_nothing_answers(host: str) -> None:
    trouble = trouble_at(f"{host or '127.0.0.1'}:1", SECONDS)
    assert trouble is not None
    assert trouble.problem.startswith("no Ray cluster answers there (")
    assert trouble.mend == "start the cluster (`ray start --head`), or unset RAY_ADDRESS"
