"""A proxy that stands between this process and a server."""

from __future__ import annotations

import os

from sparsetune.base.secrets import without_password


def through_proxy(url: str) -> str:
    """`` through the proxy http://proxy:3128 (https_proxy)``, for messages; empty where there is none in between."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return ""
    from requests.utils import get_environ_proxies, select_proxy  # what MLflow goes by

    proxy = select_proxy(url, get_environ_proxies(url))
    if proxy is None:
        return ""
    names = [name for name, value in os.environ.items() if name.lower().endswith("_proxy") and value == proxy]
    return f" through the proxy {without_password(proxy)} ({', '.join(sorted(names))})"
