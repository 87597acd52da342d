"""From journal rows to fact rows: the one place that says which tables an event fills, and with what.

`record` writes both in one transaction; `verify` replays the journal through the same function and compares. A fact
table is therefore never anything but what the journal says.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from billsync.ledger.journal import BILLSYNC, Entry, append, entry

_TEXT: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
Row = tuple[Any, ...]
Rows = Iterator[tuple[str, Row]]

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "poll": ("id", "account", "kind", "finished", "complete", "whole", "receipt", "journal"),
    "presence": ("id", "record", "present", "at", "journal"),
    "terms": ("id", "contract", "fingerprint", "body", "at", "journal"),
    "place": ("id", "identity", "contract", "night", "rank", "at", "journal"),
    "place_end": ("id", "place", "at", "journal"),
    "decision": ("id", "kind", "subject", "person", "reason", "at", "until", "amount", "target", "journal"),
    "plan": ("id", "reference", "sink", "input_hash", "at", "journal"),
    "intent_event": ("id", "reference", "state", "reason", "at", "journal"),
    "posting": (
        "id", "at", "night", "identity", "contract", "client", "currency", "kind", "line_kind", "amount", "invoice",
        "quantity", "evidence", "fingerprint", "because", "decision", "reverses", "journal",
    ),
    "document": (
        "id", "sink", "document", "reference", "status", "total", "expected_total", "differs", "receipt", "at",
        "journal",
    ),
    "read_back": ("id", "sink", "at", "documents", "newest", "journal"),
    "adopted": ("id", "ledger", "journal"),
    "attachment": ("id", "reference", "name", "media_type", "size", "sha256", "found", "at", "journal"),
    "evidenced": ("id", "reference", "at", "journal"),
    "mark": ("id", "account", "kind", "external_id", "reference", "refused", "at", "journal"),
    "marked_through": ("id", "account", "posting", "at", "journal"),
}  # fmt: skip
"""The fact tables that a journal row is turned into; `observation` is checked by the root in its poll's row."""


def record(
    conn: sqlite3.Connection, event: str, body: Any, *, at: datetime, actor: str = BILLSYNC, reason: str = ""
) -> Entry:
    """Append to the journal and write the facts it tells, in the caller's transaction."""
    made = append(conn, event, body, at=at, actor=actor, reason=reason)
    table = ""
    batch: list[Row] = []
    for name, row in rows_of(made, conn):
        if name != table and batch:
            _insert(conn, table, batch)
            batch = []
        table = name
        batch.append(row)
    if batch:
        _insert(conn, table, batch)
    return made


def _insert(conn: sqlite3.Connection, table: str, batch: list[Row]) -> None:
    columns = COLUMNS[table]
    marks = ", ".join("?" * len(columns))
    conn.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", batch)


def next_id(conn: sqlite3.Connection, table: str) -> int:
    """The number the next row of a fact table bears."""
    found = conn.execute(f"SELECT max(id) FROM {table}").fetchone()
    return (found[0] or 0) + 1


def text_of(value: Any) -> str:
    """Plain JSON as canonical text: the same bytes that canonical_bytes made of it."""
    return _TEXT(value)


def rows_of(made: Entry, conn: sqlite3.Connection) -> Rows:
    """The fact rows of one journal row. `conn` is asked only for what earlier rows said."""
    teller = _TELLERS.get(made.event)
    return iter(()) if teller is None else teller(made, conn)


def _polled(made: Entry, conn: sqlite3.Connection) -> Rows:
    body, receipt = made.body, made.body["receipt"]
    whole = int(receipt["full"] and receipt["window"]["changed_since"] is None)
    key = (receipt["account"], receipt["kind"], receipt["finished"], int(receipt["complete"]), whole)
    yield "poll", (body["id"], *key, text_of(receipt), made.seq)


def _presence(made: Entry, conn: sqlite3.Connection) -> Rows:
    present = int(made.event == "returned")
    for number, (one, _) in enumerate(made.body["records"], made.body["first"]):
        yield "presence", (number, one, present, made.at, made.seq)


def _terms(made: Entry, conn: sqlite3.Connection) -> Rows:
    body = made.body
    terms = "" if body["terms"] is None else text_of(body["terms"])
    yield "terms", (body["id"], body["contract"], body["fingerprint"], terms, made.at, made.seq)


def _placed(made: Entry, conn: sqlite3.Connection) -> Rows:
    for number, (identity, contract, night, rank) in enumerate(made.body["places"], made.body["first"]):
        yield "place", (number, identity, contract, night, rank, made.at, made.seq)


def _left(made: Entry, conn: sqlite3.Connection) -> Rows:
    for number, (place, _) in enumerate(made.body["places"], made.body["first"]):
        yield "place_end", (number, place, made.at, made.seq)


def _decided(made: Entry, conn: sqlite3.Connection) -> Rows:
    yield "decision", (*(made.body[name] for name in COLUMNS["decision"][:-1]), made.seq)


def _planned(made: Entry, conn: sqlite3.Connection) -> Rows:
    body = made.body
    yield "plan", (body["plan"], body["reference"], body["sink"], body["input_hash"], made.at, made.seq)
    yield from _state(made, conn)


def _state(made: Entry, conn: sqlite3.Connection) -> Rows:
    yield "intent_event", (made.body["id"], made.body["reference"], made.event, made.reason, made.at, made.seq)


def _confirmed(made: Entry, conn: sqlite3.Connection) -> Rows:
    yield from _state(made, conn)
    yield "document", _document(made, made.body["document"])
    invoice = entry(conn, made.body["planned"]).body["invoice"]
    for number, (line, part, kind, amount) in enumerate(made.body["postings"], made.body["first"]):
        yield "posting", _part_posting(made, number, invoice, invoice["lines"][line], part, kind, amount)


def _part_posting(
    made: Entry, number: int, invoice: dict[str, Any], line: dict[str, Any], part: int, kind: str, amount: int
) -> Row:
    of = line["parts"][part]
    who = (of["identity"], of["contract"], invoice["client"], invoice["currency"])
    what = (kind, line["kind"], amount, invoice["reference"], of["quantity"])
    why = (text_of(of["evidence"]), of["fingerprint"], text_of(of["because"]))
    return (number, made.at, made.body["night"], *who, *what, *why, of["decision"], None, made.seq)


def _posted(made: Entry, conn: sqlite3.Connection) -> Rows:
    for number, fact in enumerate(made.body["postings"], made.body["first"]):
        who = (fact["identity"], fact["contract"], fact["client"], fact["currency"])
        what = (fact["kind"], "", fact["amount"], fact["invoice"], fact["quantity"])
        why = (text_of(fact["evidence"]), fact["fingerprint"], text_of(fact["because"]))
        yield "posting", (number, made.at, made.body["night"], *who, *what, *why, fact["decision"], None, made.seq)


def _let_go(made: Entry, conn: sqlite3.Connection) -> Rows:
    columns = ", ".join(COLUMNS["posting"][3:15])
    for number, old in enumerate(made.body["reverses"], made.body["first"]):
        found = conn.execute(f"SELECT {columns} FROM posting WHERE id = ?", (old,)).fetchone()
        was = list(found)
        was[6] = -was[6]
        yield "posting", (number, made.at, made.body["night"], *was, made.body["decision"], old, made.seq)


def _document(made: Entry, state: dict[str, Any]) -> Row:
    receipt = state["receipt"]
    what = (state["sink"], receipt["id"], receipt["reference"], receipt["status"], receipt["total"])
    return (
        state["id"], *what, state["expected_total"], int(state["differs"]), text_of(receipt), made.at, made.seq,
    )  # fmt: skip


def _read(made: Entry, conn: sqlite3.Connection) -> Rows:
    body = made.body
    yield "read_back", (body["id"], body["sink"], body["read_at"], body["documents"], body.get("newest"), made.seq)
    for state in body["changed"]:
        yield "document", _document(made, state)


def _relearned(made: Entry, conn: sqlite3.Connection) -> Rows:
    for number, ledger in enumerate(made.body["ledgers"], made.body["first"]):
        yield "adopted", (number, ledger, made.seq)


def _attached(made: Entry, conn: sqlite3.Connection) -> Rows:
    body = made.body
    what = (body["name"], body["media_type"], body["size"], body["sha256"], int(body["found"]))
    yield "attachment", (body["id"], body["reference"], *what, made.at, made.seq)


def _evidenced(made: Entry, conn: sqlite3.Connection) -> Rows:
    yield "evidenced", (made.body["id"], made.body["reference"], made.at, made.seq)


def _marked(made: Entry, conn: sqlite3.Connection) -> Rows:
    body = made.body
    for number, record in enumerate(body["records"], body["first"]):
        yield "mark", (number, body["account"], body["kind"], record, body["reference"], made.reason, made.at, made.seq)


def _marked_through(made: Entry, conn: sqlite3.Connection) -> Rows:
    yield "marked_through", (made.body["id"], made.body["account"], made.body["posting"], made.at, made.seq)


_TELLERS: Final[Mapping[str, Callable[[Entry, sqlite3.Connection], Rows]]] = {
    "polled": _polled,
    "vanished": _presence,
    "returned": _presence,
    "terms": _terms,
    "placed": _placed,
    "left": _left,
    "decided": _decided,
    "planned": _planned,
    "sending": _state,
    "refused": _state,
    "unknown": _state,
    "abandoned": _state,
    "confirmed": _confirmed,
    "posted": _posted,
    "let_go": _let_go,
    "read": _read,
    "relearned": _relearned,
    "attached": _attached,
    "evidenced": _evidenced,
    "marked": _marked,
    "marked_through": _marked_through,
}
