"""A proof of one document: what it says to an outsider, and what ties it to the firm."""

from __future__ import annotations

import ast
import sys
from base64 import b64encode
from dataclasses import replace

import pytest

from billsync.ledger import certificate
from billsync.ledger.checkpoint import Signer
from billsync.model.errors import Tampered, UsageError
from billsync.model.money import exponent, grouped
from tests.unit.audit.conftest import (
    EVE,
    FIRM,
    NOON,
    TOOL,
    WORK,
    Parts,
    run,
    tool,
    verdict,
    why_not,
)
from tests.unit.ledger.conftest import (
    NIGHT,
    World,
    bill,
    draft_of,
    entry,
    invoice,
    line,
    observe,
    part,
    time_part,
)  # fmt: skip


def test_an_outsider_reads_what_was_billed_for_which_work_and_who_approved(proven, tmp_path):
    file, heads = tmp_path / "BS-1.proof", tmp_path / "heads.txt"
    file.write_bytes(proven.data)
    heads.write_text(proven.older.note, encoding="utf-8")
    told = run(file, "--key", FIRM.key, "--against", heads)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[:3] == [
        "PROVEN",
        "invoice BS-1 of 2026-03-02 to Acme – Ltd: USD 600.00 before tax",
        "1. time work: USD 600.00",
    ]
    assert "   time/work/2: USD 200.00 (2 h at 100.00)" in lines
    assert any(line.startswith("      from time of work, version ") and "hours 2, id 2" in line for line in lines)
    assert any(line.startswith("Approved by ana on 2026-03-02T") and line.endswith(": as agreed") for line in lines)
    assert any(line.startswith("Taken by the books as N-BS-1, USD 600.00 in all: ") for line in lines)
    assert any(line.startswith("Written down by billsync on 2026-03-02T") for line in lines)
    assert any("with the key " + FIRM.key in line for line in lines)
    assert f"The log continues the head of 5 rows that you kept, signed {proven.older.at}." in lines
    assert "Not proven: that the work was done" in lines[-1]


def test_nothing_of_other_clients_is_in_the_proof(proven):
    text = "\n".join(Parts.of(proven.data).lines)
    assert "BS-1" in text, "the proof must be readable for this test to mean anything"
    for secret in ("BS-2", "Secretive", "another client's secret", "C-2/line/sd", '"id":"4"'):
        assert secret not in text, f"the proof gives {secret} away"


def test_the_checker_is_one_small_file_of_the_standard_library():
    text = TOOL.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200, "the promise is a checker that can be read at a sitting"
    imported = {
        name.split(".")[0]
        for one in ast.walk(ast.parse(text))
        if isinstance(one, ast.Import | ast.ImportFrom)
        for name in names_of(one)
    }
    assert imported and imported <= sys.stdlib_module_names, imported - sys.stdlib_module_names
    assert tool.DICTIONARY == certificate.DICTIONARY and tool.MAGIC == certificate.MAGIC, "prover and checker differ"


def names_of(one: ast.Import | ast.ImportFrom) -> list[str]:
    return [one.module or ""] if isinstance(one, ast.ImportFrom) else [alias.name for alias in one.names]


@pytest.mark.parametrize("count", [0, 1, 14, 15, 16, 40])
@pytest.mark.parametrize("anchored", [False, True])
def test_a_proof_holds_whatever_the_size_of_the_journal(ledger, world, count, anchored):
    observe(ledger, world.clock, *WORK)
    older = ledger.head(FIRM, world.clock()) if anchored else None
    bill(ledger, world.clock, invoice("BS-1", line("time", *(time_part(one, 20000) for one in WORK[:2]))))
    for number in range(count):
        ledger.decide("hold", f"time/work/{number}", person="ana", reason="why", at=world.clock())
    data, found = ledger.prove("BS-1", FIRM, world.clock(), older), ledger.verify()
    words = verdict(data, FIRM.key, older.note if older else "")
    assert words is not None
    assert "No person's approval is in this file." in words
    assert any(
        f"{found.rows} rows with the root {b64encode(bytes.fromhex(found.root)).decode()}" in one for one in words
    )
    assert len(data) < 4096, "a small invoice must have a small proof"


def test_what_people_did_later_is_told(ledger, world):
    bill(ledger, world.clock, invoice("BS-3", line("expense", part("expense/work/1", 5))))
    receipt = ledger.documents()[0].receipt
    ledger.read_back("books", [replace(receipt, status="voided")], read_at=world.clock())
    ledger.let_go("BS-3", person="ana", reason="void", now=world.clock(), night=NIGHT)
    words = verdict(ledger.prove("BS-3", FIRM, world.clock()))
    assert words is not None and any(one.startswith("Void, and let go, by ana on ") for one in words), words


def test_work_that_only_the_books_remember_is_said_to_be_missing(ledger, world):
    bill(ledger, world.clock, invoice("BS-1", line("time", time_part(entry("lost"), 5))))
    words = verdict(ledger.prove("BS-1", FIRM, world.clock()))
    assert words is not None and any("not in this file" in one for one in words), words


@pytest.mark.parametrize("reference", ["BS-9", "BS-2"])
def test_what_the_books_do_not_hold_is_not_proved(ledger, world, reference):
    document = invoice("BS-2", line("time", time_part(WORK[0], 5)))
    ledger.plan(draft_of(document), document, input_hash="h", now=world.clock())
    with pytest.raises(UsageError, match=reference):
        ledger.prove(reference, FIRM, world.clock())


def test_a_proof_needs_a_head_that_the_journal_continues(proven):
    with World(proven.path).open(read_only=True) as ledger:
        for lie in (
            FIRM.sign(proven.older.size, bytes(32), NOON),
            FIRM.sign(10_000, proven.older.root, NOON),
            Signer("other", bytes(32)).sign(proven.older.size, proven.older.root, NOON),
        ):
            with pytest.raises(Tampered):
                ledger.prove("BS-1", FIRM, NOON, lie)


def test_amounts_are_written_as_in_the_invoice():
    for currency in ("USD", "JPY", "KWD", "CLF", "EUR", "UYW", "ISK"):
        for minor in (0, 7, -7, 100000, -123456789):
            assert tool.money(minor, currency) == f"{currency} {grouped(minor, currency)}"
        assert tool.MINOR.get(currency, 2) == exponent(currency)
    assert all(exponent(currency) == digits for currency, digits in tool.MINOR.items())


def test_a_proof_that_nothing_ties_to_the_firm_proves_nothing(proven):
    assert "nothing ties it to the firm" in why_not(proven.data, None)
    assert verdict(proven.data, None, proven.older.note), "a kept head that the same key signed is a tie"


def test_another_key_is_not_the_firms(proven):
    forged = Parts.of(proven.data).signed_by(EVE).packed()
    assert verdict(forged, EVE.key), "the forgery must be whole in itself for this test to mean anything"
    assert "another key than yours" in why_not(forged)
    assert "nothing ties it" in why_not(forged, None, proven.older.note), "a head of the firm does not vouch for Eve"


def test_a_key_that_borrows_the_firms_name_is_found_out(proven):
    mine, theirs = FIRM.key.split("+", 2), EVE.key.split("+", 2)
    for key in ("+".join([*mine[:2], theirs[2]]), "+".join([*theirs[:2], mine[2]])):
        parts = Parts.of(proven.data).signed_by(EVE)
        parts.index["key"] = key
        assert "the key is not what it says" in why_not(parts.packed(), key)


def test_a_kept_head_that_the_proof_does_not_reach_is_no_tie(proven):
    elsewhere = FIRM.sign(3, bytes(32), NOON).note
    assert "reaches none of the heads" in why_not(proven.data, FIRM.key, elsewhere)


def test_a_history_rewritten_by_the_holder_of_the_key_is_a_fork(proven, tmp_path):
    """The firm itself rewrites row 2, rebuilds everything, and signs: only an older head can tell, and does."""
    world = World(tmp_path / "billsync.db")
    with world.open() as ledger:
        observe(ledger, world.clock, *WORK[:2])
        observe(ledger, world.clock, *WORK, full=False)
        for number in range(proven.older.size - 3):
            ledger.decide("hold", f"x/{number}", person="ana", reason="rewritten", at=world.clock())
        old = ledger.head(FIRM, world.clock())
        bill(ledger, world.clock, invoice("BS-1", line("time", time_part(WORK[1], 99))))
        forged = ledger.prove("BS-1", FIRM, world.clock(), old)
    assert old.size == proven.older.size and old.root != proven.older.root
    assert verdict(forged), "the key alone cannot tell"
    assert "FORKED: not the log of your 5 rows" in why_not(forged, FIRM.key, proven.older.note)
