"""What an error of MLflow means, and how a user is told of it: is it away for now, or has it refused what it was sent?
Without MLflow."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from sparsetune.base.secrets import hidden
from sparsetune.base.stores.proxies import through_proxy
from sparsetune.base.stores.tracking_uri import is_database

_CONTENT = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "MALFORMED_REQUEST")
_ANSWERS_LATER = (401, 403, 407, 408, 409, 425, 429)  # credentials that can be mended, servers that are busy
_CODES_LATER = (
    "PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED",
    "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED",
)  # fmt: skip
_STATUS = re.compile(r"(?:failed with error code|too many) (\d{3})\b")  # of a server's answer that is not MLflow's own
_PLACES = (
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL,
)  # fmt: skip
_NETWORKS = ("requests", "urllib3", "http", "ssl", "socket", "botocore", "google", "azure", "paramiko")
_DATABASES = ("sqlite3", "sqlalchemy")


def shown(uri: str) -> str:
    """The URI for messages: without user, password and query."""
    parts = urlsplit(uri)
    return uri if not parts.netloc else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class Refused(Exception):
    """MLflow will never take this."""


def refuses(error: BaseException) -> bool:
    """Whether a tracking store has read what it was sent and will not have it: sent again, it is refused again."""
    status = answer(error)
    if status is not None:
        return 400 <= status < 500 and status not in (*_ANSWERS_LATER, 404)
    if getattr(error, "error_code", "") not in _CONTENT:
        return False
    causes = [type(each) for each in _chain(error) if type(each).__module__.split(".")[0] in _DATABASES]
    return not causes or any(kind.__name__ in ("IntegrityError", "DataError") for kind in causes)


def refuses_files(error: BaseException) -> bool:
    """Whether a place for files will never take these: no package for it, no such disk here, files that are too large.

    Not so for a network, a busy or a full one: they may be taken later.
    """
    status = answer(error)
    if isinstance(error, ImportError | Refused):
        return True
    if status is not None:
        return 400 <= status < 500 and status not in _ANSWERS_LATER
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _PLACES
    if getattr(error, "error_code", "") in _CODES_LATER:
        return False
    return not any(
        isinstance(each, ConnectionError | TimeoutError) or type(each).__module__.split(".")[0] in _NETWORKS
        for each in _chain(error)
    )


def answer(error: BaseException) -> int | None:
    """The HTTP status that a server has answered with, as far as it is known."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return status
    said = _STATUS.search(str(error))
    return int(said[1]) if said else None


def server_fault(error: BaseException) -> str:
    """What a server answers that is at fault itself, and has no word of its own for it; else empty."""
    status = answer(error)
    return f"the server answers with HTTP {status}" if status is not None and status >= 500 else ""


def reason_of(error: BaseException, uri: str) -> str:
    """Why a store did not serve, on one short line without passwords, with the proxy in between."""
    cause, remote = error, not is_database(uri)
    while remote and (cause.__cause__ or cause.__context__):  # clients wrap it in long words of their own
        cause = cause.__cause__ or cause.__context__ or cause
    said = server_fault(error)
    if not said and isinstance(cause, OSError):
        said = f"no answer ({cause.strerror or cause or type(cause).__name__})"
    said = said or str(error).replace(uri, shown(uri)) or type(error).__name__
    return f"{hidden(' '.join(said.split()), uri)[:300]}{through_proxy(uri) if remote else ''}"


def worded(error: BaseException, *secret: str) -> str:
    """An error of a place for files in one line, without passwords; ``secret`` are URIs that may have some."""
    said = f"{type(error).__name__}: {hidden(' '.join(str(error).split()), *secret)[:300]}"
    return server_fault(error) or said


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
