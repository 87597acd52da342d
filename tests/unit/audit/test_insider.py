"""Lies of the holder of the key: the log is rebuilt over each, and signed. What cannot be so is still told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from billsync.ledger import merkle
from billsync.ledger.checkpoint import read_heads
from tests.unit.audit.conftest import FIRM, Parts, swap, tool, why_not

Lie = Callable[[Parts], object]


def line_of(parts: Parts, event: str, *, body: bool = True) -> int:
    """Where the first row of this event stands, its header or its body."""
    return next(at for at, one in enumerate(parts.lines) if f'"{event}","' in one and one.startswith("[")) + body


def swap_in(parts: Parts, at: int, old: str, new: str) -> None:
    assert old in parts.lines[at], f"{old} is not in line {at}"
    parts.lines[at] = parts.lines[at].replace(old, new)


def forget_evidence(parts: Parts) -> None:
    at = line_of(parts, "planned")
    parts.lines[at] = re.sub(r'"evidence":\[\{"key":.*?\}\]', '"evidence":[]', parts.lines[at])


def floats(parts: Parts) -> None:
    swap(parts, '"amount":20000', '"amount":20000.0')
    swap(parts, '"amount":60000', '"amount":60000.0')


LIES: dict[str, tuple[Lie, str]] = {
    "a poll that read another account": (
        lambda it: swap_in(it, line_of(it, "polled"), '"account":"work"', '"account":"play"'), "of another poll",
    ),
    "a row that was no poll": (
        lambda it: swap_in(it, line_of(it, "polled", body=False), '"polled"', '"posted"'), "no such poll",
    ),
    "a row that was no plan": (
        lambda it: swap_in(it, line_of(it, "planned", body=False), '"planned"', '"sketched"'), "the plan is none",
    ),
    "another document confirmed": (
        lambda it: swap_in(it, line_of(it, "confirmed"), '"reference":"BS-1"', '"reference":"BS-7"'), "mixed",
    ),
    "a record that is not behind the document": (forget_evidence, "not behind the document"),
    "amounts that are not whole": (floats, "an amount is none"),
    "a currency that is none": (lambda it: swap(it, '"currency":"USD"', '"currency":"US $"'), "an amount is none"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_what_cannot_be_so_is_not_believed_even_of_the_firm(proven, name):
    parts = Parts.of(proven.data)
    lie, reason = LIES[name]
    lie(parts)
    assert reason in why_not(parts.resigned(FIRM).packed())


def test_a_record_under_another_records_name_is_told(proven):
    parts = Parts.of(proven.data)
    swap(parts, ',"id":"2","person"', ',"id":"9","person"')
    assert "a record is another one" in why_not(with_poll_roots(parts).resigned(FIRM).packed())


def test_a_record_read_after_the_plan_is_told(proven):
    parts = Parts.of(proven.data)
    plan, told = (tool.strict(parts.lines[line_of(parts, event)]) for event in ("planned", "confirmed"))
    planned = told["planned"]
    rows = {planned: ("planned", plan, "billsync"), planned + 1: ("confirmed", told, "billsync")}
    for late in (planned - 1, planned + 2):
        versions = {
            (*one["key"].values(), one["version"]): (late, "read", {"id": one["key"]["id"]})
            for part in plan["invoice"]["lines"][0]["parts"]
            for one in part["evidence"]
        }
        versions = {(account, kind, name, version): value for (account, name, kind, version), value in versions.items()}
        if late < planned:
            assert list(tool.document(rows, versions, {late})), "the honest order must pass"
            continue
        with pytest.raises(SystemExit, match="read too late"):
            list(tool.document(rows, versions, {late}))


def with_poll_roots(parts: Parts) -> Parts:
    """The roots in the polls' rows, made anew from the records in the file."""
    texts = parts.lines[2 * parts.index["rows"] :]
    count = 0
    for _, places in parts.index["polls"]:
        count += len(places)
    assert 2 * count == len(texts)
    lines, hashes = list(parts.lines), iter(parts.hashes[len(parts.hashes) - hashes_of_polls(parts) :])
    leaves = iter([sha256(b"\0" + "\n".join(texts[at : at + 2]).encode()).digest() for at in range(0, len(texts), 2)])
    for seq, places in parts.index["polls"]:
        at = next(at for at in range(0, len(lines), 2) if lines[at].startswith(f"[{seq},"))
        body = tool.strict(lines[at + 1])
        root, _ = tool.roots(
            0, body["last"] - body["first"] + 1, [(place, next(leaves)) for place in places], 0, hashes
        )
        lines[at + 1] = re.sub(r'"root":"\w+"', f'"root":"{root.hex()}"', lines[at + 1])
    return replace(parts, lines=lines)


def hashes_of_polls(parts: Parts) -> int:
    """How many of the file's last hashes belong to the polls."""
    total = 0
    for seq, places in parts.index["polls"]:
        at = next(at for at in range(0, len(parts.lines), 2) if parts.lines[at].startswith(f"[{seq},"))
        body = tool.strict(parts.lines[at + 1])
        total += len(merkle.shared(places, 0, body["last"] - body["first"] + 1, lambda level, place: b""))
    return total


def test_a_row_that_stands_twice_is_told(proven):
    parts = Parts.of(proven.data)
    parts.lines[2:2] = parts.lines[:2]
    parts.index["rows"] += 1
    assert "not in order" in why_not(parts.packed())


def test_a_head_that_ends_before_the_rows_is_told(proven):
    parts = Parts.of(proven.data)
    [head] = read_heads(parts.index["checkpoint"], where="the proof")
    assert "older than what it should prove" in why_not(parts.signed_by(FIRM, size=3).packed())
    parts.index["older"] = head.size + 1
    assert "older than what it should prove" in why_not(parts.packed())


def test_another_kind_of_file_is_told(proven):
    assert "no proof of billsync" in why_not(b"billsync proof 2\n" + proven.data[17:])


@pytest.mark.parametrize(
    "data",
    [
        tool.P.to_bytes(32, "little"),
        (tool.P + 1).to_bytes(32, "little"),
        (1 | 1 << 255).to_bytes(32, "little"),
        (2).to_bytes(32, "little"),
        b"\xff" * 32,
    ],
)
def test_what_is_no_point_of_the_curve_is_refused(data):
    """Too large, zero with a sign, or no square: each would be a second spelling, or a point from nowhere."""
    with pytest.raises(SystemExit, match="no point of the curve"):
        tool.point(data)
