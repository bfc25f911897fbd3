"""Starting a Ray of one's own, or joining a cluster."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import ray
from ray._private.node import Node

from sparsetune.config.errors import BadInput


def initialise(address: str) -> None:
    """Start a local Ray or join the cluster of that address; raises BadInput if none answers there."""
    if address.startswith("ray://"):
        raise BadInput(
            f"found {address}: a study does not run through Ray's client; start it on a machine of the cluster, "
            "or submit it there with `ray job submit`",
            key="RAY_ADDRESS",
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == "local":
        with _lean():
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        return
    host, _, port = address.rpartition(":")
    try:
        if port.isdigit():  # Ray would try for a quarter of an hour
            socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except OSError as error:
        raise BadInput(f"found {address}: no Ray cluster answers there ({error})", key="RAY_ADDRESS") from error


@contextmanager
def _lean() -> Iterator[None]:
    """Without the processes that serve a dashboard, an autoscaler and forwarded logs.

    A study on one machine uses none of them, and waiting for them costs a second at the start and one at the end. The
    first also sends usage statistics, so it stays where these are turned on.
    """
    unused = ["start_monitor", "start_log_monitor"]
    if os.environ["RAY_USAGE_STATS_ENABLED"] == "0":
        unused.append("start_api_server")
    with ExitStack() as patches:
        for name in unused:
            patches.enter_context(patch.object(Node, name, _nothing))
        yield


def _nothing(node: Node, **options: object) -> None:
    """Start no process."""
