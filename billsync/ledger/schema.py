"""Is the file built as this version of billsync builds it? A missing trigger is a door left open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cache

from sqlite_utils import Database

from billsync.ledger.migrations import migrations


def schema_problems(conn: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Tables, indexes and triggers that are missing, added or altered; then SQLite's own check of the pages."""
    found, wanted = _objects(conn), _wanted()
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            yield 0, f"the ledger has lost its {name}"
        elif name not in wanted:
            yield 0, f"the ledger has a {name} that billsync did not make"
        elif found[name] != wanted[name]:
            yield 0, f"the definition of the {name} was altered"
    for row in conn.execute("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield 0, f"the file is damaged: {row[0]}"


def _objects(conn: sqlite3.Connection) -> dict[str, str]:
    found = conn.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'")
    return {f"{kind} {name}": sql or "" for kind, name, sql in found}


@cache
def _wanted() -> dict[str, str]:
    db = Database(memory=True, execute_plugins=False)
    try:
        migrations.apply(db)
        return _objects(db.conn)
    finally:
        db.close()
