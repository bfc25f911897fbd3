"""Nested mappings of tensors and plain values as files: with a checksum, and loaded without executing code."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from sparsetune.base.yaml_io import write_atomic

_DIGEST_BYTES = 32


def packed(state: dict[str, Any]) -> bytes:
    """SHA-256 of the content, then torch's format."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    return hashlib.sha256(content).digest() + content


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint."""
    write_atomic(path, packed(state))


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state that was saved, on the CPU; None when there is none or the file is damaged."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, content = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        return None
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # torch has no one error for content that is not its own
        return None
    return state if isinstance(state, dict) else None
