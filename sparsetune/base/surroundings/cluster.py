"""RAY_ADDRESS: which Ray a study runs on, and whether what answers there can be one."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from typing import NamedTuple

from sparsetune.base.errors import BadInput

VARIABLE = "RAY_ADDRESS"
LOCAL, AUTO = "local", "auto"
PORT = 6379  # of `ray start --head`, unless it is given another
_OTHERS = {8265: "the port of the dashboard and of `ray job submit`", 10001: "the port of Ray's client"}
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))  # and a frame of no settings
_SETTINGS = 4  # the type of the frame with which servers of HTTP/2 answer, and so gRPC's


class Trouble(NamedTuple):
    """What is wrong with an address, and what mends it."""

    problem: str
    mend: str

    def refused(self, address: str) -> BadInput:
        """The error of one who would join there."""
        return BadInput(f"{self.problem}; {self.mend}", found=shown(address), key=VARIABLE, code="unavailable")


def address(environ: Mapping[str, str]) -> str:
    """What RAY_ADDRESS says; ``local``, a Ray of one's own, where it is blank or not set."""
    return environ.get(VARIABLE, "").strip() or LOCAL


def shown(address: str) -> str:
    """The address without a password."""
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def trouble_with(address: str) -> Trouble | None:
    """Why no cluster can be joined there, whatever answers; None where one may be, and for ``local`` and ``auto``."""
    if address in (LOCAL, AUTO):
        return None
    if "://" in address:
        return _trouble_with_url(address)
    host, port = parts(address)
    if ":" in host and not host.startswith("["):
        return Trouble("an address of IPv6 stands in brackets", f"set {VARIABLE} to [ADDRESS]:PORT")
    if not host:
        return Trouble("no host", f"set {VARIABLE} to HOST:PORT of a cluster, auto or local")
    if not port:
        return Trouble("no port", _with_port(host))
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
        return Trouble(f"{port!r} is no port", _with_port(host))
    return None


def trouble_at(address: str, seconds: float) -> Trouble | None:
    """Why the cluster at HOST:PORT cannot be joined: nothing answers within so many seconds, or something else does.

    Ray itself would wait for a quarter of an hour for either.
    """
    host, port = parts(address)
    of_other = _OTHERS.get(int(port), "")
    mend = _with_port(host) if of_other else f"start the cluster (`ray start --head`), or unset {VARIABLE}"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=seconds) as connection:
            if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
                return None  # nothing can be read without its certificates
            answer = _answer(connection)
    except (OSError, UnicodeError) as error:  # UnicodeError: no name of a host
        said = f" ({error})" + (f"; {port} is {of_other}" if of_other else "")
        return Trouble(f"no Ray cluster answers there{said}", mend)
    if len(answer) > 3 and answer[3] == _SETTINGS:
        return None
    if answer.startswith(b"HTTP/"):
        return Trouble("a web server answers there, as Ray's dashboard is one", _with_port(host))
    return Trouble("what answers there is no Ray cluster", mend)


def _answer(connection: socket.socket) -> bytes:
    """The beginning of what is said to one who speaks as gRPC does; empty where that is nothing."""
    with contextlib.suppress(OSError):
        connection.sendall(_PREFACE)
        return connection.recv(9)
    return b""


def parts(address: str) -> tuple[str, str]:
    """Host and port, empty where there is none; colons within brackets are IPv6's."""
    host, colon, port = address.rpartition(":")
    return (host, port) if colon and not port.endswith("]") else (address, "")


def _with_port(host: str) -> str:
    return f"set {VARIABLE} to the cluster's own port, {host}:{PORT} unless `ray start` was given another"


def _trouble_with_url(address: str) -> Trouble:
    scheme, _, rest = shown(address).lower().partition("://")
    if scheme == "ray":
        mend = "start the study on a machine of the cluster, or submit it there with `ray job submit`"
        return Trouble("a study does not run through Ray's client", mend)
    host = rest.partition("/")[0].partition("?")[0]
    host = parts(host)[0] or "HOST"
    if scheme in ("http", "https"):
        return Trouble("that is where the dashboard is and `ray job submit` goes", _with_port(host))
    return Trouble(f"{scheme!r} is no scheme of Ray's", _with_port(host))
