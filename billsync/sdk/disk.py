"""Files that are whole or not there, whatever happens while they are written: for sinks that are folders."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from billsync.model.errors import Denied, Refused, Unavailable

STALE_SECONDS: Final = 600
"""A temporary file this much older than one written now belongs to nobody any more."""
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def write_whole(path: Path, content: bytes) -> None:
    """Put the content in place of what is there, at once: whoever reads sees the old or the new."""
    whole = _temporary(path, content)
    try:
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)
    sync_folder(path.parent)


def put_once(path: Path, content: bytes) -> None:
    """Put the content there unless something is there; of two writers one wins, and nobody sees half of it.

    Refused where the file system has no means for that."""
    whole = _temporary(path, content)
    try:
        if os.name == "nt":
            whole.rename(path)  # fails on Windows where the target exists
        else:
            os.link(whole, path)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise Refused(
            f"two writers could not be kept apart here: no hard links ({error.strerror})",
            where=str(path.parent),
            hint="use a folder on a local disk",
            sent=False,
        ) from None
    finally:
        whole.unlink(missing_ok=True)
    sync_folder(path.parent)


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """The one spelling of a document that people may read: sorted members, two spaces, UTF-8."""
    return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


@contextmanager
def vendor_errors(folder: Path) -> Iterator[None]:
    """Say what the disk says as vendor errors. `sent` stays true: some of the steps may be done."""
    try:
        yield
    except PermissionError as error:
        raise Denied(
            "the folder may not be written", where=str(error.filename or folder), hint="is a file open elsewhere?"
        ) from None
    except OSError as error:
        raise Unavailable(f"the folder: {error.strerror}", where=str(error.filename or folder)) from None


def _temporary(path: Path, content: bytes) -> Path:
    """The content in a file of its own beside `path`, on the disk; old leftovers of killed writers are removed."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        now = os.fstat(file.fileno()).st_mtime_ns
    whole = Path(name)
    if os.name != "nt":
        whole.chmod(0o644)
    for left in path.parent.glob(".*.part"):
        try:
            if now - left.stat().st_mtime_ns > STALE_SECONDS * 1_000_000_000:
                left.unlink()
        except FileNotFoundError:
            continue
    return whole


def sync_folder(folder: Path) -> None:
    """The names in a folder, on the disk; Windows has no such call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
