"""Passwords in URLs: whatever they consist of, they arrive as they are, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from requests.utils import get_auth_from_url
from sqlalchemy.engine import make_url

from sparsetune.base.errors import BadInput
from sparsetune.base.secrets import (
    hidden,
    place,
    quoted,
    user_part,
    with_quoted_user,
    without_password,
)
from sparsetune.base.variables import from_environment, read_env

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
PASSWORDS = [
    "a/b", "a?b", "a#b", "a@b", "a[b", "a]b", "p@ss/w:rd?#[x]", "%", "100%", "%zz", "a b", " ", "@", "/", ":",
    "a:b@c:5432/d?e=f", "pass+word", "p$w!rd", "ä€", "${X}", "$X", "\\", "'", '"', "a\nb", "@evil.example/",
    "#@evil.example", "{x}", "sesame",
]  # fmt: skip
ENCODED = [("a%2Fb", "a/b"), ("%40%5B", "@["), ("100%25", "100%"), ("p%20w", "p w"), ("%c3%a4", "ä")]
TEMPLATE = "postgresql+psycopg2://me:${PW}@db.example:5432/optuna?sslmode=require"


def filled(text: str, **variables: str) -> str:
    with patch.dict(os.environ, variables):
        return from_environment(text, "s.yaml", "storage")


def kept_apart(password: str, meant: str) -> None:
    """SQLAlchemy, requests and the standard library read the password there, and the host behind it."""
    url = make_url(filled(TEMPLATE, PW=password))
    assert (url.username, url.password, url.host, url.port) == ("me", meant, "db.example", 5432)
    assert (url.database, dict(url.query)) == ("optuna", {"sslmode": "require"})
    address = filled("https://me:${PW}@host.example:8080/mlflow", PW=password)
    assert get_auth_from_url(address) == ("me", meant)
    parts = urlsplit(address)
    assert (parts.hostname, parts.port, parts.path, parts.query, parts.fragment) == (
        "host.example",
        8080,
        "/mlflow",
        "",
        "",
    )


@pytest.mark.parametrize("password", PASSWORDS)
def test_any_password(password: str) -> None:
    kept_apart(password, password)


@pytest.mark.parametrize(("password", "meant"), ENCODED)
def test_one_that_is_encoded_stays(password: str, meant: str) -> None:
    assert f":{password}@" in filled(TEMPLATE, PW=password)
    kept_apart(password, meant)


@given(TEXT)
def test_every_password(password: str) -> None:
    encoded = quoted(password) == password
    kept_apart(password, unquote(password) if encoded else password)
    assert not set(quoted(password)) & set("/?#@[]: %") - {"%"}


@given(TEXT)
@example("me:secret/x")
def test_user_and_password_in_one_variable(text: str) -> None:
    user, _, password = text.partition(":")
    url = make_url(filled("postgresql://${BOTH}@host/db", BOTH=text))
    assert url.host == "host"
    if "%" not in text and user:
        assert (url.username, url.password or "") == (user, password)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:5000", None),
        ("http://me:pw@host:80/x", ("me", "pw", "host")),
        ("http://me:a/b@host", ("me", "a/b", "host")),
        ("http://me:a?b#c@host:1/x", ("me", "a?b#c", "host")),
        ("http://me:a@b@host", ("me", "a@b", "host")),
        ("http://me:a[b@host", ("me", "a[b", "host")),
        ("http://me:a]b@[::1]:80", ("me", "a]b", "::1")),
        ("postgresql:///db", None),
        ("postgresql://h/db?user=a@b", None),
        ("http://host:5000/a@b", None),
        ("sqlite:////a/b@c:d.db", None),
        ("sqlite:///a@b", None),
        ("databricks", None),
        ("databricks://profile", None),
        ("./mlruns", None),
    ],
)
def test_passwords_that_are_written_out(url: str, expected: tuple[str, str, str] | None) -> None:
    """As far as one can tell them from the rest; what has none stays as it is."""
    found = with_quoted_user(url)
    if expected is None:
        assert found == url
        assert user_part(url) is None
        return
    parts = urlsplit(found)
    assert (unquote(parts.username or ""), unquote(parts.password or ""), parts.hostname) == expected
    assert with_quoted_user(found) == found
    assert filled(url) == found


@pytest.mark.parametrize(
    "url", ["http://me:a/b@c@host", "http://me:a/b@c/d@host", "postgresql://me:tops3cret@h:port/d"]
)
def test_what_cannot_be_told_apart_is_refused(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        filled(url)
    line = str(caught.value)
    assert "as ${NAME}" in line
    assert not any(part in line for part in ("a/b", "b@c", "tops3cret", "c@", "/d@host"))


@pytest.mark.parametrize(
    "url", ["http://host/x", "http://[::1]:5000", "postgresql://a,b/db", "http://me@host:1", "postgresql:///x"]
)
def test_a_host_is_a_host(url: str) -> None:
    assert place(url) is not None


@pytest.mark.parametrize(
    ("template", "variables", "expected"),
    [
        ("${URL}", {"URL": "postgresql://me:a/b@h/db"}, "postgresql://me:a%2Fb@h/db"),
        ("${URL}", {"URL": "sqlite:////a b/c@d.db"}, "sqlite:////a b/c@d.db"),
        ("sqlite:///${DIR}/x.db", {"DIR": "/a b#c"}, "sqlite:////a b#c/x.db"),
        ("http://${HOST}:${PORT}/${PATH_}", {"HOST": "h", "PORT": "5", "PATH_": "a/b"}, "http://h:5/a/b"),
        ("${KIND}://me:${PW}@h/d", {"KIND": "mysql+pymysql", "PW": "#"}, "mysql+pymysql://me:%23@h/d"),
        ("postgresql://${ME}:${PW}@h/d", {"ME": "me@corp", "PW": ":"}, "postgresql://me%40corp:%3A@h/d"),
        ("http://x${PW}y:z${PW}@h", {"PW": "/"}, "http://x%2Fy:z%2F@h"),
        (
            "postgresql://h/d?user=me&password=${PW}",
            {"PW": "a&b=c d"},
            "postgresql://h/d?user=me&password=a%26b%3Dc%20d",
        ),
        ("http://me:${PW}@h", {"PW": ""}, "http://me:@h"),
        ("postgresql://me:$PW@h/d", {"PW": "x"}, "postgresql://me:$PW@h/d"),
    ],
)
def test_a_variable_at_any_place(template: str, variables: dict[str, str], expected: str) -> None:
    assert filled(template, **variables) == expected


@pytest.mark.parametrize("password", [each for each in PASSWORDS if len(each) > 3])
def test_a_password_from_a_variable_is_shown_by_its_name(password: str) -> None:
    with patch.dict(os.environ, {"PW": password}):
        url = from_environment(TEMPLATE, "", "")
        assert without_password(url) == TEMPLATE
        for said in (url, f"cannot open {url}!", f"no host {password!s}", f"no host {quote(password, safe='')}"):
            assert password not in hidden(said)
            assert quote(password, safe="") not in hidden(said)
        with pytest.raises(BadInput) as caught:
            raise BadInput(f"{url} is away", source=url)
        assert password not in str(caught.value)
        assert "db.example:5432/optuna" in str(caught.value)


def test_a_name_alone_is_a_token() -> None:
    with patch.dict(os.environ, {"TOKEN": "dapi-12/34", "ME": "someone"}):
        assert without_password(from_environment("https://${TOKEN}@host/x", "", "")) == "https://${TOKEN}@host/x"
        assert without_password(from_environment("https://${ME}:pw@host", "", "")) == "https://someone:***@host"
        assert hidden("dapi-12/34 dapi-12%2F34 someone") == "${TOKEN} ${TOKEN} someone"


def test_what_an_error_says_of_a_url_that_is_written_out() -> None:
    url = "postgresql://me:tops%40cret@host/db"
    assert hidden("no host 'tops@cret' nor tops%40cret", url) == "no host '***' nor ***"
    assert hidden("password of me wrong; see https://docs.example/x", "postgresql://me:a@h") == (
        "password of me wrong; see https://docs.example/x"
    )
    assert hidden(f"{url} and http://a:b@c/d?token=xyz&n=1") == (
        "postgresql://me:***@host/db and http://a:***@c/d?token=***&n=1"
    )


def test_urls_of_an_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They name variables as a study file does; what is no URL is read as ever, and the environment goes first."""
    lines = (
        "PW='a@b/c#d'",
        "MLFLOW_TRACKING_URI=http://me:${PW}@host:1",
        "DIR=${HOME}/x",
        "KEPT=http://me:${PW}@x",
        "BAD=a://${NO_SUCH}",
    )
    (tmp_path / ".env").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    with patch.dict(os.environ, {"HOME": "/home", "KEPT": "mine"}):
        for name in ("PW", "MLFLOW_TRACKING_URI", "DIR", "NO_SUCH"):
            os.environ.pop(name, None)
        read_env()
        assert os.environ["MLFLOW_TRACKING_URI"] == "http://me:a%40b%2Fc%23d@host:1"
        assert (os.environ["PW"], os.environ["DIR"], os.environ["KEPT"]) == ("a@b/c#d", "/home/x", "mine")
        assert os.environ["BAD"] == "a://"
