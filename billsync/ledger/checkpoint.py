"""Signed heads of the journal: what is kept outside, so that nobody can rewrite the ledger unseen.

    billsync/<ledger id>                    the origin
    <rows>                                  size of the tree over the journal
    <root>                                  RFC 6962 root over those rows, base64
    time <instant>                          UTC, by the clock of the machine that signed

    — billsync/<ledger id> <signature>      base64 of 4 bytes that name the key, and the Ed25519 signature

That is a C2SP checkpoint (c2sp.org/tlog-checkpoint) in a signed note (c2sp.org/signed-note), with the time as its
extension line; tools made for transparency logs read it. The key that checks it is written `NAME+ID+BASE64`.
"""

from __future__ import annotations

import re
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Final

from billsync.ledger import journal, merkle
from billsync.ledger.database import stamp_of
from billsync.model.errors import Tampered, UsageError

_ED25519: Final = b"\x01"
"""The signature type of the note format."""
_NOTE: Final = re.compile(
    r"(?P<text>(?P<origin>billsync/[^\s+]+)\n(?P<size>[1-9]\d{0,14})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"time (?P<at>[0-9T:.-]+Z)\n)\n(?P<signatures>(?:— [^\s+]+ [A-Za-z0-9+/]+=*\n)+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A head as read: `size` rows, their `root`, the instant `at` in UTC text, and the whole `note` as signed."""

    origin: str
    size: int
    root: bytes
    at: str
    note: str

    @property
    def text(self) -> bytes:
        """What the signatures are of."""
        return self.note.partition("\n\n")[0].encode() + b"\n"

    def signed_by(self, key: str) -> bool:
        """Whether this key (as `Signer.key` writes it) signed the head."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        name, number, public = key.split("+", 2)
        for line in self.note.partition("\n\n")[2].splitlines():
            _, signer, told = line.split(" ")
            data = b64decode(told)
            if signer == name and data[:4].hex() == number:
                try:
                    Ed25519PublicKey.from_public_bytes(b64decode(public)[1:]).verify(data[4:], self.text)
                except InvalidSignature:
                    continue
                return True
        return False


class Signer:
    """Signs heads of one ledger. `seed`: the 32 secret bytes of the Ed25519 key; never printed, never stored here."""

    def __init__(self, ledger: str, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.origin = origin_of(ledger)
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = _ED25519 + self._private.public_key().public_bytes_raw()
        self._number = sha256(self.origin.encode() + b"\n" + self._public).digest()[:4]

    @property
    def key(self) -> str:
        """The public key, to be given to whoever checks: `NAME+ID+BASE64`."""
        return f"{self.origin}+{self._number.hex()}+{b64encode(self._public).decode()}"

    def sign(self, size: int, root: bytes, at: datetime) -> Checkpoint:
        """The head of `size` rows, signed."""
        told = stamp_of(at)
        text = f"{self.origin}\n{size}\n{b64encode(root).decode()}\ntime {told}\n"
        signature = b64encode(self._number + self._private.sign(text.encode())).decode()
        note = f"{text}\n— {self.origin} {signature}\n"
        return Checkpoint(origin=self.origin, size=size, root=root, at=told, note=note)


def origin_of(ledger: str) -> str:
    """The origin of a ledger's heads."""
    return f"billsync/{ledger}"


def read_heads(text: str, *, where: str) -> tuple[Checkpoint, ...]:
    """The heads of a file, in its order; between them nothing but white space. UsageError for anything else."""
    plain = text.replace("\r\n", "\n").strip() + "\n"
    found, end = [], 0
    for match in _NOTE.finditer(plain):
        if plain[end : match.start()].strip():
            break
        found.append(_read(match))
        end = match.end()
    if not found or plain[end:].strip():
        line = plain[:end].count("\n") + 1
        raise UsageError(
            "this is no signed head of a ledger", where=f"{where}:{line}", hint="`billsync audit anchor` prints one"
        )
    return tuple(found)


def _read(match: re.Match[str]) -> Checkpoint:
    return Checkpoint(
        origin=match["origin"],
        size=int(match["size"]),
        root=b64decode(match["root"]),
        at=match["at"],
        note=match[0],
    )


def heads_problems(conn: sqlite3.Connection, origin: str, heads: Sequence[Checkpoint]) -> Iterator[tuple[int, str]]:
    """Heads whose rows are not the first rows of the journal of `origin`: the row, and what is wrong.

    A history that was rewritten from end to end shows only here.
    """
    size, _ = journal.head(conn)
    whole = 0
    for one in sorted(heads, key=lambda head: (head.size, head.at)):
        name = f"the head of {one.size} rows, signed {one.at},"
        if one.origin != origin:
            yield 0, f"{name} is of another ledger: {one.origin}, and this one is {origin}"
        elif one.size > size:
            yield size, f"{name} is ahead of this journal: rows {size + 1} to {one.size} are missing"
        elif not _leads_to(conn, one):
            span = f"between row {whole + 1} and row {one.size}"
            yield one.size, f"{name} is not the head of these rows: the history was rewritten {span}"
        else:
            whole = one.size


def _leads_to(conn: sqlite3.Connection, one: Checkpoint) -> bool:
    try:
        return merkle.root(one.size, partial(journal.perfect, conn)) == one.root
    except Tampered:
        return False
