"""Signed heads: read as they come back, and held against the journal."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest

from billsync.ledger import Ledger
from billsync.ledger.checkpoint import read_heads
from billsync.model.errors import Tampered, UsageError
from tests.unit.audit.conftest import (
    EVE,
    FIRM,
    NOON,
    WORK,
    Proven,
    flip,
)
from tests.unit.ledger.conftest import (
    World,
    observe,
)  # fmt: skip


def test_a_head_is_a_signed_note_of_the_common_form(proven):
    origin, size, root, time, empty, signature = proven.older.note.rstrip("\n").split("\n")
    assert (origin, size, empty) == ("billsync/ledger-0", "5", "") and time == f"time {proven.older.at}"
    assert b64decode(root) == proven.older.root
    assert signature.startswith("— billsync/ledger-0 ")
    name, number, public = FIRM.key.split("+", 2)
    assert sha256(f"{name}\n".encode() + b64decode(public)).hexdigest()[:8] == number, "the id of C2SP's signed-note"
    assert proven.older.signed_by(FIRM.key) and not proven.older.signed_by(EVE.key)
    damaged = replace(proven.older, note=proven.older.note.replace("\n5\n", "\n6\n"))
    assert not damaged.signed_by(FIRM.key)


def heads_of(proven: Proven) -> Iterator[str]:
    note = proven.older.note
    yield note
    yield note.replace("\n", "\r\n")
    yield "\n\n" + note.strip() + "\n\n\n" + note


def test_heads_are_read_as_mails_and_editors_leave_them(proven):
    for text in heads_of(proven):
        assert {head.root for head in read_heads(text, where="heads.txt")} == {proven.older.root}


@pytest.mark.parametrize("text", ["", "hello", "{note}\nand more", "intro\n{note}", "billsync/x\n5\n", "{note}{cut}"])
def test_what_is_no_head_is_not_read_as_one(proven, text):
    cut = proven.older.note.partition("\n\n")[0]
    with pytest.raises(UsageError, match="no signed head"):
        read_heads(text.format(note=proven.older.note, cut=cut), where="heads.txt")


def test_the_journal_is_held_against_heads(proven):
    with World(proven.path).open(read_only=True) as ledger:
        now = ledger.head(FIRM, NOON)
        assert ledger.verify([proven.older, now]).ok
        later = FIRM.sign(now.size + 2, now.root, NOON)
        told = ledger.verify([later, FIRM.sign(7, bytes(32), NOON), proven.older])
    assert [what.partition(", is ")[2] for _, what in told.problems] == [
        "not the head of these rows: the history was rewritten between row 6 and row 7",
        f"ahead of this journal: rows {now.size + 1} to {now.size + 2} are missing",
    ]


def test_every_bit_of_a_heads_root_counts(proven):
    with World(proven.path).open(read_only=True) as ledger:
        for bit in range(256):
            with pytest.raises(Tampered):
                ledger.continues([replace(proven.older, root=flip(proven.older.root, bit))])


def test_a_head_is_the_same_for_a_reader_and_a_writer(ledger: Ledger, world: World):
    observe(ledger, world.clock, *WORK)
    with world.open(read_only=True) as reader:
        one, other = ledger.head(FIRM, NOON), reader.head(FIRM, NOON)
    assert one == other and one.root.hex() == ledger.verify().root
