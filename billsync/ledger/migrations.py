"""The ledger's schema, as sqlite-utils migrations: STRICT tables, whole numbers and text, never REAL.

Three sorts of table:

- `journal`: the truth. Append-only, hash-chained; `node` holds the Merkle tree over it.
- facts: rows that one journal row wrote and that are never changed (`poll`, `observation`, `presence`, `terms`,
  `place`, `place_end`, `decision`, `plan`, `intent_event`, `posting`, `document`, `read_back`, `adopted`, and what was
  done beside documents: `attachment`, `evidenced`, `mark`, `marked_through`). Replaying the journal gives them back,
  row for row: `verify` does so.
- caches: what can be worked out from the facts and is kept for speed (`record`, `intent`, `at_rest`, `rest_total`,
  `awake_identity`); plus `phantom`, which is information only.

Amounts are minor units, quantities decimal text, dates ISO text, instants UTC ISO text with `Z` and microseconds.
"""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database, Migrations

migrations = Migrations("billsync")

_FROM_THE_FIRST: Final = (
    "journal",
    "poll",
    "observation",
    "presence",
    "terms",
    "place",
    "place_end",
    "decision",
    "plan",
    "intent_event",
    "posting",
    "document",
    "read_back",
    "adopted",
)
_BESIDE_DOCUMENTS: Final = ("attachment", "evidenced", "mark", "marked_through")
APPEND_ONLY: Final = (*_FROM_THE_FIRST, *_BESIDE_DOCUMENTS)

_JOURNAL: Final = """
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    reason TEXT NOT NULL,
    body BLOB NOT NULL,
    prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE node (
    level INTEGER NOT NULL,
    place INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, place)
) STRICT, WITHOUT ROWID;
"""

_WORK: Final = """
CREATE TABLE poll (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    finished TEXT NOT NULL,
    complete INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    receipt TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX poll_account ON poll (account, kind, complete, id);

CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    version TEXT NOT NULL,
    observation INTEGER NOT NULL,
    versions INTEGER NOT NULL,
    last_poll INTEGER NOT NULL,
    vanished TEXT,
    project TEXT NOT NULL,
    on_date TEXT,
    person TEXT,
    quantity TEXT,
    currency TEXT,
    awake INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_key ON record (account, kind, external_id);
CREATE INDEX record_twin ON record (kind, on_date, quantity, account) WHERE on_date IS NOT NULL;
CREATE INDEX record_awake ON record (id) WHERE awake = 1;

CREATE TABLE observation (
    seq INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,
    version TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    body TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX observation_record ON observation (record);

CREATE TABLE presence (
    id INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,
    present INTEGER NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX presence_record ON presence (record);
"""

_RULES: Final = """
CREATE TABLE terms (
    id INTEGER PRIMARY KEY,
    contract TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    body TEXT NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX terms_contract ON terms (contract);

CREATE TABLE place (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    contract TEXT NOT NULL,
    night TEXT NOT NULL,
    rank INTEGER NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX place_identity ON place (identity);

CREATE TABLE place_end (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX place_end_place ON place_end (place);

CREATE TABLE decision (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    person TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    until TEXT,
    amount INTEGER,
    target TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX decision_subject ON decision (subject);
"""

_BOOKS: Final = """
CREATE TABLE plan (
    id INTEGER PRIMARY KEY,
    reference TEXT NOT NULL,
    sink TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX plan_reference ON plan (reference);

CREATE TABLE intent_event (
    id INTEGER PRIMARY KEY,
    reference TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX intent_event_reference ON intent_event (reference);

CREATE TABLE intent (
    reference TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    plan INTEGER NOT NULL,
    event INTEGER NOT NULL
) STRICT;
CREATE INDEX intent_state ON intent (state);

CREATE TABLE posting (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    night TEXT NOT NULL,
    identity TEXT NOT NULL,
    contract TEXT NOT NULL,
    client TEXT NOT NULL,
    currency TEXT NOT NULL,
    kind TEXT NOT NULL,
    line_kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    invoice TEXT NOT NULL,
    quantity TEXT,
    evidence TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    because TEXT NOT NULL,
    decision INTEGER,
    reverses INTEGER,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX posting_identity ON posting (identity);
CREATE INDEX posting_invoice ON posting (invoice);
CREATE INDEX posting_sample ON posting (client, line_kind, id) WHERE kind = 'billed';
CREATE UNIQUE INDEX posting_reverses ON posting (reverses) WHERE reverses IS NOT NULL;

CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    sink TEXT NOT NULL,
    document TEXT NOT NULL,
    reference TEXT NOT NULL,
    status TEXT NOT NULL,
    total INTEGER NOT NULL,
    expected_total INTEGER NOT NULL,
    differs INTEGER NOT NULL,
    receipt TEXT NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX document_document ON document (sink, document, id);
CREATE INDEX document_reference ON document (reference);

CREATE TABLE read_back (
    id INTEGER PRIMARY KEY,
    sink TEXT NOT NULL,
    at TEXT NOT NULL,
    documents INTEGER NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX read_back_sink ON read_back (sink, id);

CREATE TABLE adopted (
    id INTEGER PRIMARY KEY,
    ledger TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;

CREATE TABLE phantom (
    sink TEXT NOT NULL,
    document TEXT NOT NULL,
    receipt TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (sink, document)
) STRICT, WITHOUT ROWID;
"""

# Work at rest is a cache: it may be emptied at any time (then everything is looked at once more) and `verify` checks
# it. It is what makes a night cost as much as its news, not as much as its history.
_REST: Final = """
CREATE TABLE at_rest (
    record INTEGER NOT NULL,
    identity TEXT NOT NULL,
    client TEXT NOT NULL,
    state TEXT NOT NULL,
    contract TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    withheld INTEGER NOT NULL,
    hours TEXT,
    since TEXT NOT NULL,
    PRIMARY KEY (record, identity, client)
) STRICT, WITHOUT ROWID;
CREATE INDEX at_rest_identity ON at_rest (identity);
CREATE INDEX at_rest_terms ON at_rest (contract, fingerprint);

CREATE TABLE rest_total (
    state TEXT NOT NULL,
    contract TEXT NOT NULL,
    client TEXT NOT NULL,
    currency TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    items INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    withheld INTEGER NOT NULL,
    hours TEXT NOT NULL,
    PRIMARY KEY (state, contract, client, currency, fingerprint, account, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE awake_identity (identity TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
"""

_BESIDE: Final = """
CREATE TABLE attachment (
    id INTEGER PRIMARY KEY,
    reference TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    found INTEGER NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX attachment_reference ON attachment (reference);

CREATE TABLE evidenced (
    id INTEGER PRIMARY KEY,
    reference TEXT NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX evidenced_reference ON evidenced (reference);

CREATE TABLE mark (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    refused TEXT NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX mark_record ON mark (account, kind, external_id);

CREATE TABLE marked_through (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    posting INTEGER NOT NULL,
    at TEXT NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX marked_through_account ON marked_through (account);
"""

_IDENTITY: Final = """
CREATE TABLE ledger (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


@migrations()
def first(db: Database) -> None:
    """Every table of version 1, and the triggers that refuse to rewrite history."""
    for script in (_IDENTITY, _JOURNAL, _WORK, _RULES, _BOOKS, _REST):
        db.executescript(script)
    _refuse_changes(db, _FROM_THE_FIRST)


def _refuse_changes(db: Database, tables: tuple[str, ...]) -> None:
    for table in tables:
        for verb in ("UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


@migrations()
def second(db: Database) -> None:
    """Which night a contract was last billed is asked for every contract, every night."""
    db.executescript("CREATE INDEX posting_contract ON posting (contract, night) WHERE kind = 'billed'")


@migrations()
def third(db: Database) -> None:
    """The newest change that the books told, by their clock: later changes are asked for by that, not by ours."""
    db.executescript("ALTER TABLE read_back ADD COLUMN newest TEXT")


@migrations()
def fourth(db: Database) -> None:
    """What was done beside documents: evidence attached, records marked as billed at their source."""
    db.executescript(_BESIDE)
    _refuse_changes(db, _BESIDE_DOCUMENTS)
