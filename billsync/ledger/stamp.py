"""The stamp: what a document carries, out of the customer's sight, so that a lost ledger can be learnt again.

    BS1:<checksum>:<data>.        data = base64url(zlib(JSON)), checksum = first 8 hex digits of its SHA-256

It names the ledger, the reference and, for each identity on the document, line, kind, contract, amount, quantity and
the versions of the records behind it; and each decision that asked for some of it: who, when, what, for which parts.
Where the books give too little room, first the fingerprints, then the versions, then the persons and their words are
left out; if that is not enough, only ledger, reference, a digest and the number of identities remain, and the stamp
says so by `complete` being False. White space that the books insert does no harm.

Version 1 had no decisions: there `decided` is False, and only the line's kind tells what a person had credited.
"""

from __future__ import annotations

import binascii
import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, get_args

from billsync.model.book import Decision, DecisionKind
from billsync.model.invoice import Evidence, Invoice
from billsync.model.work import SourceKey, canonical, digest

_FORM: Final = re.compile(r"BS1:([0-9a-f]{8}):([A-Za-z0-9_-]+={0,2})\.")
_LARGEST: Final = 8_000_000
"""Bytes that a stamp may unpack to: no text in somebody's books may fill our memory."""
_WORDS: Final = 80
"""Characters of the text that a manual amount bears."""


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
    decision: int | None = None
    """The number of the decision that asked for it, in the ledger that wrote the stamp."""


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
    decided: bool = False
    """True from version 2 on: the parts that a person asked for say so."""
    decisions: tuple[Decision, ...] = ()
    """What the parts' decisions said, with the numbers they had; without reason, which is nobody's business here."""


def pack(ledger_id: str, invoice: Invoice, limit: int = 4000, decisions: Mapping[int, Decision] | None = None) -> str:
    """The stamp of a document in at most `limit` characters; "" where not even the shortest form fits.

    decisions: those that the parts name, by number.
    """
    for candidate in _candidates(ledger_id, invoice, decisions or {}):
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
    except (binascii.Error, zlib.error, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return None  # made by something else than `pack`: no stamp of ours


_FORMS: Final = ((True, True, True), (True, False, True), (False, False, True), (False, False, False))
"""With versions, fingerprints, words of persons: what is left out first, second and third."""


def _candidates(ledger_id: str, invoice: Invoice, decisions: Mapping[int, Decision]) -> Iterator[dict[str, Any]]:
    head = {"v": 2, "l": ledger_id, "r": invoice.reference, "k": invoice.client, "c": invoice.currency}
    for versions, fingerprints, words in _FORMS:
        parts = list(_parts(invoice, versions=versions, fingerprints=fingerprints))
        asked = list(_asked(invoice, decisions, words=words))
        yield {**head, "p": parts, **({"q": asked} if asked else {})}
    count = sum(len(line.parts) for line in invoice.lines)
    yield {**head, "n": count, "d": digest(replace(invoice, stamp=""))[:32]}


def _parts(invoice: Invoice, *, versions: bool, fingerprints: bool) -> Iterator[list[Any]]:
    for number, line in enumerate(invoice.lines):
        for part in line.parts:
            evidence = [_short(one, part.identity) for one in part.evidence] if versions else []
            quantity = None if part.quantity is None else canonical(part.quantity)
            fingerprint = part.fingerprint if fingerprints else ""
            yield [number, line.kind, part.identity, part.contract, part.amount, quantity, evidence, fingerprint]


def _asked(invoice: Invoice, decisions: Mapping[int, Decision], *, words: bool) -> Iterator[list[Any]]:
    """Each decision with the places of the parts that it asked for."""
    places: dict[int, list[int]] = {}
    parts = [part for line in invoice.lines for part in line.parts]
    for place, part in enumerate(parts):
        if part.decision is not None:
            places.setdefault(part.decision, []).append(place)
    for number, of in places.items():
        made = decisions.get(number)
        if made is None:
            yield [number, of]
        else:
            subject = "" if made.subject == parts[of[0]].identity else made.subject
            said = [made.person, made.target[:_WORDS]] if words else ["", ""]
            yield [number, of, made.kind, subject, made.amount, made.at.isoformat(), *said]


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
    parts = [_stamped(one) for one in content.get("p", ())]
    decisions = []
    for number, places, *said in content.get("q", ()):
        for place in places:
            parts[place] = replace(parts[place], decision=int(number))
        if said:
            decisions.append(_decision(int(number), parts[places[0]].identity, *said))
    return Stamp(
        ledger=content["l"],
        reference=content["r"],
        client=content["k"],
        currency=content["c"],
        complete="p" in content,
        count=len(parts) if "p" in content else int(content["n"]),
        digest=content.get("d", ""),
        parts=tuple(parts),
        decided=content.get("v", 1) >= 2,
        decisions=tuple(decisions),
    )


def _decision(
    number: int, identity: str, kind: Any, subject: str, amount: int | None, at: str, person: str, target: str
) -> Decision:
    if kind not in get_args(DecisionKind):
        raise ValueError(f"{kind!r} is no kind of decision")
    return Decision(
        id=number,
        kind=kind,
        subject=subject or identity,
        person=person,
        reason="",
        at=datetime.fromisoformat(at),
        amount=None if amount is None else int(amount),
        target=target,
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
