"""Evidence as files: a CSV for the client's own checks, and the same as a page to read and print.

Books that take no HTML get the page as text. The same document gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from billsync.reports.blocks import Words
from billsync.reports.evidence import Proof
from billsync.reports.render.csv import write_rows
from billsync.reports.render.page import page
from billsync.reports.render.text import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file to be attached."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Hash of the content, in hex."""
        return sha256(self.content).hexdigest()


def files(proof: Proof, reference: str, *, pages: bool) -> Iterator[File]:
    """The files of one kind of evidence; `pages`: the books take HTML."""
    stem = f"{reference}-{proof.kind}"
    table = io.StringIO()
    write_rows(proof.columns, proof.rows, table)
    yield File(name=f"{stem}.csv", media_type="text/csv", content=table.getvalue().encode())
    if pages:
        yield File(name=f"{stem}.html", media_type="text/html", content=page(proof.title, proof.blocks).encode())
    else:
        text = plain((Words(proof.title), *proof.blocks))
        yield File(name=f"{stem}.txt", media_type="text/plain", content=text.encode())
