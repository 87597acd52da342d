"""billsync audit: keys, anchors, proofs and what is held against them, as commands."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.conftest import ROOT


def checked(firm, *words):
    """The auditor's side: the stand-alone checker in the firm's folder."""
    return subprocess.run(
        [sys.executable, "-I", "-X", "utf8", ROOT / "tools" / "verify_proof.py", *words],
        cwd=firm.folder, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


@pytest.fixture
def number(firm) -> str:
    return str(firm.json(0, "invoice", "list")[0]["number"])


def test_an_invoice_is_proved_to_an_outsider(firm, number):
    key = firm.expect(0, "audit", "key").strip()
    firm.expect(0, "audit", "anchor", "--to", "heads.txt")
    said = firm.expect(0, "audit", "prove", number, "--against", "heads.txt", "--out", "it.proof")
    assert f"verify_proof.py it.proof --key {key}" in said
    told = checked(firm, "it.proof", "--key", key, "--against", "heads.txt")
    assert told.returncode == 0 and told.stdout.startswith("PROVEN\n") and number in told.stdout, told.stderr
    assert "nothing ties it to the firm" in checked(firm, "it.proof").stderr
    text = (firm.folder / "it.proof").read_bytes()
    (firm.folder / "it.proof").write_bytes(text[:-1] + bytes([text[-1] ^ 1]))
    assert checked(firm, "it.proof", "--key", key).returncode == 1


def test_a_proof_without_a_name_is_named_after_the_reference(firm, number):
    firm.expect(0, "audit", "prove", number)
    assert [path.name[:3] for path in firm.folder.glob("*.proof")] == ["BS-"]
    assert "there is no invoice called" in firm.run("audit", "prove", "none").stderr


def test_heads_gather_in_a_file_and_the_ledger_is_held_against_them(firm):
    (firm.folder / "heads.txt").write_text(firm.expect(0, "audit", "anchor"), encoding="utf-8")
    firm.expect(0, "audit", "anchor", "--to", "heads.txt")
    told = firm.json(0, "audit", "verify", "--against", "heads.txt")
    assert [one["signed_with_our_key"] for one in told["heads"]] == [True, True]
    assert firm.expect(0, "audit", "verify", "--against", "heads.txt").count("It continues the head of") == 2


def test_an_older_ledger_put_in_place_is_told_by_a_newer_head(firm):
    ledger = firm.folder / "billsync.db"
    before = ledger.read_bytes()
    firm.expect(1, "sync")
    firm.expect(0, "audit", "anchor", "--to", "heads.txt")
    with closing(sqlite3.connect(ledger)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    for end in ("-wal", "-shm"):
        ledger.with_name(ledger.name + end).unlink(missing_ok=True)
    ledger.write_bytes(before)
    assert firm.run("audit", "verify").returncode == 0, "the older ledger is whole in itself"
    told = firm.json(5, "audit", "verify", "--against", "heads.txt")
    assert any("is ahead of this journal" in one["what"] for one in told["problems"]), told["problems"]
    refused = firm.run("audit", "anchor", "--to", "heads.txt")
    assert refused.returncode == 5 and "ahead of this journal" in refused.stderr, "a cut history was anchored"


def test_a_file_that_holds_no_head_is_told(firm):
    (firm.folder / "heads.txt").write_text("hello\n", encoding="utf-8")
    for words in (("verify", "--against"), ("anchor", "--to")):
        refused = firm.run("audit", *words, "heads.txt")
        assert refused.returncode == 2 and "heads.txt:1" in refused.stderr, refused.stderr
