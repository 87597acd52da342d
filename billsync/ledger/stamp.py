"""The stamp: what a document carries, out of the customer's sight, so that a lost ledger can be learnt again.

    BS1:<checksum>:<data>.        data = base64url(zlib(JSON)), checksum = first 8 hex digits of its SHA-256

It names the ledger, the reference and, for each identity on the document, line, kind, contract, amount, quantity and
the versions of the records behind it. Where the books give too little room, first the fingerprints, then the versions
are left out; if that is not enough, only ledger, reference, a digest and the number of identities remain, and the
stamp says so by `complete` being False. White space that the books insert does no harm.
"""

from __future__ import annotations

import binascii
import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from billsync.model.invoice import Evidence, Invoice
from billsync.model.work import SourceKey, canonical, digest

_FORM: Final = re.compile(r"BS1:([0-9a-f]{8}):([A-Za-z0-9_-]+={0,2})\.")
_LARGEST: Final = 8_000_000
"""Bytes that a stamp may unpack to: no text in somebody's books may fill our memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """One identity's part of one line. `amount` signed minor units, as in the document's part."""

    line: int
    line_kind: str
    identity: str
    contract: str
    amount: int
    quantity: Decimal | None = None
    evidence: tuple[Evidence, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A stamp as read. `complete` False: the books had too little room, so `parts` is empty and only `count` known."""

    ledger: str
    reference: str
    client: str
    currency: str
    complete: bool
    count: int
    digest: str
    parts: tuple[Stamped, ...] = ()


def pack(ledger_id: str, invoice: Invoice, limit: int = 4000) -> str:
    """The stamp of a document in at most `limit` characters; "" where not even the shortest form fits."""
    for candidate in _candidates(ledger_id, invoice):
        text = _write(candidate)
        if len(text) <= limit:
            return text
    return ""


def unpack(text: str) -> Stamp | None:
    """The stamp in a text, whatever else stands there; None where there is none or it was altered."""
    found = _FORM.search("".join(text.split()))
    if found is None or sha256(found[2].encode()).hexdigest()[:8] != found[1]:
        return None
    try:
        data = zlib.decompressobj().decompress(urlsafe_b64decode(found[2]), _LARGEST)
        return _read(json.loads(data))
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        return None  # made by something else than `pack`: no stamp of ours


def _candidates(ledger_id: str, invoice: Invoice) -> Iterator[dict[str, Any]]:
    head = {"l": ledger_id, "r": invoice.reference, "k": invoice.client, "c": invoice.currency}
    for versions, fingerprints in ((True, True), (True, False), (False, False)):
        yield {**head, "p": list(_parts(invoice, versions=versions, fingerprints=fingerprints))}
    count = sum(len(line.parts) for line in invoice.lines)
    yield {**head, "n": count, "d": digest(replace(invoice, stamp=""))[:32]}


def _parts(invoice: Invoice, *, versions: bool, fingerprints: bool) -> Iterator[list[Any]]:
    for number, line in enumerate(invoice.lines):
        for part in line.parts:
            evidence = [_short(one, part.identity) for one in part.evidence] if versions else []
            quantity = None if part.quantity is None else canonical(part.quantity)
            fingerprint = part.fingerprint if fingerprints else ""
            yield [number, line.kind, part.identity, part.contract, part.amount, quantity, evidence, fingerprint]


def _short(one: Evidence, identity: str) -> Any:
    """Where the identity is the record itself, its version is enough."""
    if identity == f"{one.key.kind}/{one.key.account}/{one.key.id}":
        return one.version
    return [one.key.account, one.key.kind, one.key.id, one.version]


def _write(content: dict[str, Any]) -> str:
    plain = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    data = urlsafe_b64encode(zlib.compress(plain, 9)).decode().rstrip("=")
    data += "=" * (-len(data) % 4)
    return f"BS1:{sha256(data.encode()).hexdigest()[:8]}:{data}."


def _read(content: dict[str, Any]) -> Stamp:
    parts = tuple(_stamped(one) for one in content.get("p", ()))
    return Stamp(
        ledger=content["l"],
        reference=content["r"],
        client=content["k"],
        currency=content["c"],
        complete="p" in content,
        count=len(parts) if "p" in content else int(content["n"]),
        digest=content.get("d", ""),
        parts=parts,
    )


def _stamped(one: list[Any]) -> Stamped:
    number, line_kind, identity, contract, amount, quantity, evidence, fingerprint = one
    return Stamped(
        line=int(number),
        line_kind=line_kind,
        identity=identity,
        contract=contract,
        amount=int(amount),
        quantity=None if quantity is None else Decimal(quantity),
        evidence=tuple(_long(version, identity) for version in evidence),
        fingerprint=fingerprint,
    )


def _long(one: Any, identity: str) -> Evidence:
    if isinstance(one, str):
        kind, account, name = identity.split("/", 2)
        one = [account, kind, name, one]
    account, kind, name, version = one
    return Evidence(key=SourceKey(account=account, kind=kind, id=name), version=version)
