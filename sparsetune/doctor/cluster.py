"""Ray: which cluster a study would use, and who could reach it. Starts and joins nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sparsetune.base.paths import Project
from sparsetune.base.surroundings import cluster
from sparsetune.base.surroundings.home import TOKEN
from sparsetune.doctor.finding import Finding

SECONDS = 2.0  # to wait for an answer


def ray(project: Project | None) -> Iterator[Finding]:
    """RAY_ADDRESS and token authentication."""
    address = cluster.address(os.environ)
    yield address_finding(address)
    mode = os.environ.get("RAY_AUTH_MODE")
    if mode is not None and mode.lower() != "token":
        says = f"RAY_AUTH_MODE={mode}: anyone who reaches this machine over the network can run code through Ray"
        yield Finding("problem", "Ray", says, "unset RAY_AUTH_MODE")
    elif address != cluster.LOCAL and not has_token():
        says = "no token: a cluster with token authentication will refuse this machine"
        yield Finding("note", "Ray", says, "copy its token here: `ray get-auth-token` prints it on the cluster")
    if "UV_RUN_RECURSION_DEPTH" in os.environ:
        yield Finding("ok", "Ray", "under `uv run` workers use this environment; Ray does not pack the project")


def address_finding(address: str) -> Finding:
    """Whether a study can run on the cluster of that address."""
    if address == cluster.LOCAL:
        return Finding("ok", "Ray", f"no {cluster.VARIABLE}: a study starts a Ray of its own")
    named = f"{cluster.VARIABLE}={cluster.shown(address)}"
    if address == cluster.AUTO:
        return Finding("note", "Ray", f"{named}: not looked into", "")
    trouble = cluster.trouble_with(address) or cluster.trouble_at(address, SECONDS)
    if trouble:
        return Finding("problem", "Ray", f"{named}: {trouble.problem}", trouble.mend)
    return Finding("ok", "Ray", f"{named} answers: studies run on that cluster")


def has_token() -> bool:
    """Whether Ray would find a token; it is not read."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return (Path(named) if named else Path.home() / TOKEN).is_file()
