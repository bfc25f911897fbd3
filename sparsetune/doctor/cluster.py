"""Ray: which cluster a study would use, and who could reach it. Starts and joins nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from sparsetune.config.paths import Project
from sparsetune.doctor.finding import Finding

SECONDS = 2.0  # to wait for an answer


def ray(project: Project | None) -> Iterator[Finding]:
    """RAY_ADDRESS and token authentication."""
    address = os.environ.get("RAY_ADDRESS", "local")
    yield address_finding(address)
    mode = os.environ.get("RAY_AUTH_MODE")
    if mode is not None and mode.lower() != "token":
        found = f"RAY_AUTH_MODE={mode}: anyone who reaches this machine over the network can run code through Ray"
        yield Finding("problem", "Ray", found, "unset RAY_AUTH_MODE")
    elif address != "local" and not has_token():
        found = "no token: a cluster with token authentication will refuse this machine"
        yield Finding("note", "Ray", found, "copy its token here: `ray get-auth-token` prints it on the cluster")


def address_finding(address: str) -> Finding:
    """Whether a study can run on the cluster of that address."""
    host, _, port = address.rpartition(":")
    if address == "local":
        return Finding("ok", "Ray", "no RAY_ADDRESS: a study starts a Ray of its own")
    if address.startswith("ray://"):
        mend = "start studies on a machine of the cluster, or submit them there with `ray job submit`"
        return Finding("problem", "Ray", f"RAY_ADDRESS={address}: a study does not run through Ray's client", mend)
    if not port.isdigit():
        return Finding("note", "Ray", f"RAY_ADDRESS={address}: not looked into", "")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS).close()
    except OSError as error:
        mend = "start the cluster (`ray start --head`), or unset RAY_ADDRESS for a Ray of its own"
        return Finding("problem", "Ray", f"RAY_ADDRESS={address}: nothing answers there ({error})", mend)
    return Finding("ok", "Ray", f"RAY_ADDRESS={address} answers: studies run on that cluster")


def has_token() -> bool:
    """Whether Ray would find a token; it is not read."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return (Path(named) if named else Path.home() / ".ray" / "auth_token").is_file()
