"""The journal: chained, complete, and whatever was altered is named."""

# ruff: noqa: S608  statements made here, for ledgers made here

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billsync.ledger import Ledger, merkle
from billsync.ledger.checkpoint import Signer
from billsync.ledger.migrations import APPEND_ONLY
from billsync.model.errors import LedgerError
from tests.unit.ledger.conftest import (
    NIGHT,
    World,
    assert_sound,
    bill,
    draft_of,
    entry,
    evaluation,
    invoice,
    line,
    milestone,
    observe,
    opening,
    part,
    place,
    rest_of,
    terms,
    time_part,
)  # fmt: skip

WORK = [entry(str(number)) for number in range(4)]


def live(ledger: Ledger, world: World) -> None:
    """A little of everything that a ledger can be told."""
    observe(ledger, world.clock, *WORK)
    observe(ledger, world.clock, milestone("m"), kind="milestone")
    observe(ledger, world.clock, replace(WORK[0], notes="later"), *WORK[1:3])
    observe(ledger, world.clock, replace(WORK[0], notes="later"), *WORK[1:], complete=False)
    ledger.keep(
        evaluation(places=(place("time/work/0"), place("time/work/1", 1)), postings=(opening("time/work/3"),)),
        terms=terms(), now=world.clock(), night=NIGHT,
    )  # fmt: skip
    ledger.decide("approve", "0" * 64, person="ana", reason="fine", at=world.clock(), until=NIGHT, amount=3)
    document = invoice("BS-1", line("time", *(time_part(one, 20000) for one in WORK[1:3])))
    receipt = bill(ledger, world.clock, document)
    ledger.keep(
        evaluation(resting=(rest_of(WORK[1]),), left=("time/work/0",)), terms=terms(), now=world.clock(), night=NIGHT
    )
    other = invoice("BS-2", line("milestone", part("C-1/line/sd", 900)), line("holdback", part("C-1/line/sd", -90)))
    ledger.plan(draft_of(other), other, input_hash="h", now=world.clock())
    ledger.refuse("BS-2", "no customer", world.clock())
    paid = bill(ledger, world.clock, invoice("BS-3", line("expense", part("expense/work/1", 5))))
    ledger.read_back("books", [replace(receipt, status="paid"), replace(paid, status="voided")], read_at=world.clock())
    ledger.let_go("BS-3", person="ana", reason="void", now=world.clock(), night=NIGHT)
    strange = invoice("BS-4", line("time", part("time/work/9", 5)), ledger_id="lost")
    stranger = replace(receipt, id="9", reference="BS-4", stamp=strange.stamp, total=5)
    ledger.relearn("books", [stranger], person="ana", now=world.clock(), night=NIGHT)
    ledger.attachments.add(
        "BS-1", "time.csv", document="1", media_type="text/csv", size=3, sha256="0" * 64, found=False, now=world.clock()
    )
    ledger.attachments.close("BS-1", now=world.clock())
    ledger.marks.add("work", "time", ["1", "2"], "BS-1", now=world.clock())
    ledger.marks.go_through("work", 5, now=world.clock())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ledger, closed and complete in its one file."""
    world = World(tmp_path_factory.mktemp("lived") / "billsync.db")
    with world.open() as ledger:
        live(ledger, world)
        assert_sound(ledger)
    return world.path


@pytest.fixture
def copied(lived: Path, tmp_path: Path) -> World:
    path = tmp_path / "billsync.db"
    path.write_bytes(lived.read_bytes())
    return World(path)


def tamper(path: Path, *statements: str, values: tuple[Any, ...] = ()) -> None:
    """Alter the file as someone could who knows SQLite: the triggers are set aside and put back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("BEGIN")
        for name, _ in triggers:
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert raw.execute(statement, values).rowcount != 0, f"{statement} altered nothing"
        for _, sql in triggers:
            raw.execute(sql)
        raw.execute("COMMIT")


def problems(world: World) -> tuple[tuple[int, str], ...]:
    with world.open(read_only=True) as ledger:
        found = ledger.verify()
    assert found.ok is not bool(found.problems)
    return found.problems


def test_a_row_is_chained_to_the_one_before(ledger, world):
    live(ledger, world)
    before = bytes(32)
    for number, row in enumerate(ledger.journal_rows(), 1):
        header = json.dumps(
            [row.seq, row.at, row.actor, row.event, row.reason], ensure_ascii=False, separators=(",", ":")
        )
        assert row.seq == number and row.prev_hash == before.hex()
        before = sha256(before + header.encode() + b"\n" + row.body).digest()
        assert row.hash == before.hex(), "the documented formula does not give the stored hash"
    found = ledger.verify()
    assert (found.ok, found.rows, found.head) == (True, number, before.hex())
    assert [row.seq for row in ledger.journal_rows(number - 2)] == [number - 1, number]


def test_the_journal_may_be_read_while_it_is_written(ledger, world):
    live(ledger, world)
    rows = ledger.journal_rows()
    next(rows)
    observe(ledger, world.clock, entry("new"))
    assert len(list(rows)) > 1
    with world.open() as again:
        assert again.verify().ok and len(list(again.journal_rows())) == ledger.verify().rows


def test_a_ledger_that_was_left_alone_is_sound(copied):
    assert problems(copied) == ()


ROWS = 12
COLUMNS = {
    "seq": "seq + 1000",
    "at": "replace(at, '2026', '2025')",
    "actor": "actor || 'x'",
    "event": "'decided'",
    "reason": "reason || 'x'",
    "body": "CAST(replace(CAST(body AS TEXT), '}', ' }') AS BLOB)",
    "prev_hash": "zeroblob(32)",
    "hash": "zeroblob(32)",
}


@pytest.mark.parametrize("column", COLUMNS)
def test_an_altered_row_is_named_whatever_was_altered(copied, column):
    tamper(copied.path, f"UPDATE journal SET {column} = {COLUMNS[column]} WHERE seq = {ROWS}")
    found = problems(copied)
    named = {ROWS, ROWS + 1000} if column == "seq" else {ROWS}
    assert found and named & {seq for seq, _ in found}, f"row {ROWS} is not named: {found}"


def test_a_removed_row_is_named(copied):
    tamper(copied.path, f"DELETE FROM journal WHERE seq = {ROWS}")
    assert any(f"row {ROWS} is missing" in what for _, what in problems(copied))


def test_a_truncated_journal_is_noticed(copied):
    tamper(copied.path, "DELETE FROM journal WHERE seq > 14")
    assert problems(copied), "a ledger that lost its last rows was called sound"


def test_two_rows_in_another_order_are_named(copied):
    swap = "UPDATE journal SET seq = CASE seq WHEN 5 THEN -6 WHEN 6 THEN -5 END WHERE seq IN (5, 6)"
    tamper(copied.path, swap, "UPDATE journal SET seq = -seq WHERE seq < 0")
    assert {5, 6} <= {seq for seq, _ in problems(copied)}


def test_a_rewritten_row_with_a_fitting_hash_breaks_the_next(copied):
    with closing(sqlite3.connect(copied.path)) as raw:
        row = raw.execute(
            "SELECT seq, at, actor, event, reason, body, prev_hash FROM journal WHERE seq = 10"
        ).fetchone()
    header = json.dumps([10, row[1], "eve", row[3], row[4]], ensure_ascii=False, separators=(",", ":"))
    made = sha256(row[6] + header.encode() + b"\n" + row[5]).digest()
    tamper(copied.path, "UPDATE journal SET actor = 'eve', hash = ? WHERE seq = 10", values=(made,))
    assert any(seq == 11 and "does not continue" in what for seq, what in problems(copied))


def test_a_history_rewritten_throughout_has_another_head(copied):
    """Nobody can see that from the file alone: a head or root noted elsewhere shows it."""
    signer = Signer("ledger-0", bytes(32))
    with copied.open(read_only=True) as ledger:
        noted = ledger.verify()
        head = ledger.head(signer, copied.clock())
    with closing(sqlite3.connect(copied.path)) as raw:
        rows = raw.execute("SELECT seq, at, actor, event, reason, body FROM journal ORDER BY seq").fetchall()
    before, tree, rewritten = bytes(32), [], []
    for seq, at, actor, event, reason, body in rows:
        actor = "eve" if seq == 3 else actor
        header = json.dumps([seq, at, actor, event, reason], ensure_ascii=False, separators=(",", ":"))
        made = sha256(before + header.encode() + b"\n" + body).digest()
        values = f"actor = '{actor}', prev_hash = x'{before.hex()}', hash = x'{made.hex()}'"
        rewritten.append(f"UPDATE journal SET {values} WHERE seq = {seq}")
        before = made
        tree.append(merkle.leaf_hash(made))
    tamper(copied.path, *rewritten)
    assert problems(copied), "the kept nodes still show the old history"

    def node(level: int, at: int) -> bytes:
        return tree[at] if level == 0 else merkle.node_hash(node(level - 1, 2 * at), node(level - 1, 2 * at + 1))

    tamper(copied.path, "UPDATE node SET hash = ? WHERE level = 4 AND place = 0", values=(node(4, 0),))
    with copied.open(read_only=True) as ledger:
        found, against = ledger.verify(), ledger.verify([head])
    assert found.ok and (found.head, found.root) != (noted.head, noted.root)
    assert not against.ok and "the history was rewritten between row 1 and row" in against.problems[0][1]


FACTS = {
    "posting": ("amount = amount + 1", "identity = 'time/work/77'", "because = '[]'", "night = '2020-01-01'"),
    "decision": ("person = 'bob'", "amount = 4", "until = NULL"),
    "place": ("rank = rank + 1", "night = '2020-01-01'"),
    "place_end": ("at = '2020-01-01'",),
    "plan": ("input_hash = 'x'", "sink = 'x'"),
    "intent_event": ("state = 'planned'", "reason = 'x'"),
    "document": ("status = 'voided'", "total = total + 1", "receipt = '{}'", "differs = 1 - differs"),
    "read_back": ("at = '2020-01-01'",),
    "terms": ("body = '{}'", "fingerprint = 'x'"),
    "poll": ("complete = 1 - complete", "receipt = '{}'", "finished = '2020-01-01'"),
    "presence": ("present = 1 - present", "record = record + 1"),
    "observation": ("body = replace(body, '\"', '\" ')", "version = 'x'", "first_seen = '2020-01-01'"),
    "adopted": ("ledger = 'x'",),
    "attachment": ("sha256 = 'x'", "name = 'x'", "found = 1 - found"),
    "evidenced": ("reference = 'x'",),
    "mark": ("reference = 'x'", "external_id = 'x'", "refused = 'x'"),
    "marked_through": ("posting = 9",),
    "record": (
        "version = 'x'", "vanished = '2020-01-01'", "hours = '9'", "project = 'x'", "on_date = NULL",
        "awake = 1 - awake",
        "external_id = external_id || 'x'", "account = account || 'x'", "last_poll = 99", "observation = 1",
    ),
    "intent": ("state = 'planned'", "plan = 9"),
    "at_rest": ("amount = amount + 1", "hours = '9'", "identity = 'time/work/0'"),
    "rest_total": ("amount = amount + 1", "items = items + 1"),
    "awake_identity": ("identity = identity || 'x'",),
    "ledger": ("value = 'x'",),
    "node": ("hash = zeroblob(32)",),
}  # fmt: skip


@pytest.mark.parametrize("table, change", [(table, change) for table, changes in FACTS.items() for change in changes])
def test_an_altered_fact_is_told(copied, table, change):
    change = change.replace("hours =", "quantity =") if table == "record" else change
    row = "max(rowid)" if table not in ("at_rest", "rest_total", "awake_identity", "ledger", "node") else None
    where = f" WHERE rowid = (SELECT {row} FROM {table})" if row else ""
    if table == "decision" or change.startswith("status"):
        where = " WHERE id = 1"
    if table == "record":
        where = " WHERE kind = 'time' AND external_id = '0'"
    if table == "awake_identity":
        where = " WHERE identity = (SELECT max(identity) FROM awake_identity)"
    tamper(copied.path, f"UPDATE {table} SET {change}{where}")
    assert problems(copied), f"{table}: {change} went unnoticed"


@pytest.mark.parametrize("table", sorted({*FACTS, *APPEND_ONLY} - {"journal", "ledger"}))
def test_a_removed_fact_is_told(copied, table):
    if table in ("at_rest", "rest_total", "awake_identity", "node"):
        tamper(copied.path, f"DELETE FROM {table}")
    else:
        tamper(copied.path, f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")
    assert problems(copied), f"a row of {table} was removed unnoticed"


def test_a_ledger_without_its_name_is_not_opened(copied):
    tamper(copied.path, "DELETE FROM ledger")
    with pytest.raises(LedgerError, match="no id"):
        copied.open(read_only=True)


def test_an_invented_posting_is_told(copied):
    columns = "at, night, identity, contract, client, currency, kind, line_kind, amount, invoice, quantity, evidence"
    columns += ", fingerprint, because, decision, reverses, journal"
    tamper(copied.path, f"INSERT INTO posting ({columns}) SELECT {columns} FROM posting WHERE id = 2")
    assert any("posting 6" in what or "told by no row" in what for _, what in problems(copied))


def test_an_altered_posting_names_the_row_that_tells_it(copied):
    with closing(sqlite3.connect(copied.path)) as raw:
        [seq] = raw.execute("SELECT journal FROM posting WHERE id = 2").fetchone()
    tamper(copied.path, "UPDATE posting SET amount = 1, client = 'x' WHERE id = 2")
    told = [what for at, what in problems(copied) if at == seq]
    assert told and "posting 2 was altered: client, amount" in told[0]


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_missing_trigger_is_told(copied, table):
    with closing(sqlite3.connect(copied.path)) as raw:
        raw.execute(f"DROP TRIGGER {table}_refuses_delete")
    assert problems(copied) == ((0, f"the ledger has lost its trigger {table}_refuses_delete"),)


def test_an_added_trigger_and_a_changed_table_are_told(copied):
    with closing(sqlite3.connect(copied.path)) as raw:
        raw.execute("CREATE TRIGGER eve AFTER INSERT ON posting BEGIN SELECT 1; END")
        raw.execute("ALTER TABLE decision ADD COLUMN note TEXT")
    told = " ".join(what for _, what in problems(copied))
    assert "trigger eve that billsync did not make" in told and "definition of the table decision was altered" in told


def test_an_index_that_does_not_fit_its_table_is_told(copied):
    """Whoever looks work up by an index would miss what the table holds."""
    with closing(sqlite3.connect(copied.path)) as raw:
        page, size = (
            raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'posting_identity'").fetchone()[0],
            raw.execute("PRAGMA page_size").fetchone()[0],
        )
    data = bytearray(copied.path.read_bytes())
    index = bytes(data[(page - 1) * size : page * size])
    data[(page - 1) * size : page * size] = index.replace(b"time/work/1", b"time/work/7")
    copied.path.write_bytes(data)
    assert any("the file is damaged" in what for _, what in problems(copied))


def contents(path: Path) -> dict[str, Any] | None:
    """All that the ledger says (not when a migration ran); None where SQLite cannot read it."""
    told: dict[str, Any] = {}
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as raw:
            for name, sql in raw.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall():
                told[f"sql of {name}"] = sql
            for name in (*FACTS, "journal"):
                told[name] = raw.execute(f"SELECT * FROM {name}").fetchall()
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    return told


def noticed(path: Path) -> bool:
    world = World(path)
    try:
        with world.open(read_only=True) as ledger:
            return not ledger.verify().ok
    except LedgerError:
        return True


def lies(path: Path, data: bytes, truth: dict[str, Any] | None) -> bool:
    """True where the file says something else than it did and is still called sound."""
    path.write_bytes(data)
    return contents(path) != truth and not noticed(path)


@settings(max_examples=250)
@given(st.data())
def test_no_flipped_bit_of_the_file_changes_what_it_says_unnoticed(lived, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("flipped") / "billsync.db"
    original = lived.read_bytes()
    at = data.draw(st.integers(0, len(original) * 8 - 1))
    flipped = bytearray(original)
    flipped[at // 8] ^= 1 << at % 8
    path.write_bytes(original)
    assert not lies(path, bytes(flipped), contents(path)), f"bit {at} was flipped unnoticed"


def every_bit_of_the_journal(path: Path) -> Iterator[tuple[int, str, bytes]]:
    with closing(sqlite3.connect(path)) as raw:
        for seq, *values in raw.execute("SELECT seq, at, actor, event, reason, body, prev_hash, hash FROM journal"):
            for name, value in zip(
                ("at", "actor", "event", "reason", "body", "prev_hash", "hash"), values, strict=True
            ):
                yield seq, name, value.encode() if isinstance(value, str) else value


def test_every_bit_of_the_first_rows_counts(tmp_path):
    """Flipped one after the other, in memory: the chain of a row covers each bit of each column."""
    world = World(tmp_path / "billsync.db")
    with world.open() as ledger:
        observe(ledger, world.clock, WORK[0])
        ledger.decide("hold", "time/work/0", person="ana", reason="why – so", at=world.clock())
    flips = 0
    with world.open() as ledger, ledger.transaction():
        for name, _ in ledger._conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger._conn.execute(f"DROP TRIGGER {name}")
        for seq, name, value in every_bit_of_the_journal(world.path):
            for bit in range(len(value) * 8):
                changed = bytearray(value)
                changed[bit // 8] ^= 1 << bit % 8
                assert chain_breaks(ledger, seq, name, bytes(changed)), (
                    f"bit {bit} of {name} in row {seq} counts for nothing"
                )
                flips += 1
    assert flips > 5000


def chain_breaks(ledger: Ledger, seq: int, column: str, value: bytes) -> bool:
    """Whether the pass over the journal alone finds the altered row."""
    from billsync.ledger.verify import _Check

    cast = value if column in ("body", "prev_hash", "hash") else value.decode("utf-8", "surrogateescape")
    if isinstance(cast, str) and any("\ud800" <= letter <= "\udfff" for letter in cast):
        return True  # no text any more: SQLite hands it out as an error
    conn = ledger._conn
    before = conn.execute(f"SELECT {column} FROM journal WHERE seq = ?", (seq,)).fetchone()[0]
    conn.execute(f"UPDATE journal SET {column} = ? WHERE seq = ?", (cast, seq))
    named = {at for at, _ in _Check(conn).run()}
    conn.execute(f"UPDATE journal SET {column} = ? WHERE seq = ?", (before, seq))
    return bool({seq, seq + 1} & named)


def test_a_journal_of_another_day_is_not_this_one(copied):
    assert date(2026, 3, 2) == NIGHT
    tamper(copied.path, "UPDATE journal SET at = replace(at, '2026-03', '2026-04')")
    assert len(problems(copied)) > ROWS, "each altered row must be named, not the first alone"
