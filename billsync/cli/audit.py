"""billsync audit: everything for the accountant, and whether anything was changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from billsync.cli.app import ConfigFile, group

if TYPE_CHECKING:
    from billsync.ledger.checkpoint import Checkpoint, Signer
    from billsync.sync.firm import Firm

TAMPERED = 5

app = group(
    "Every fact and decision for your accountant; whether any was changed.",
    examples_of=(
        "billsync audit verify --against heads.txt",
        "billsync audit anchor --to heads.txt",
        "billsync audit anchor --mail accountant",
        "billsync audit prove INV-0012 --out INV-0012.proof",
        "billsync audit export --dir audit-2026-07",
    ),
)
Against = Annotated[
    Path | None,
    typer.Option("--against", metavar="FILE", help="Heads noted before (see `billsync audit anchor`)."),
]


@app.command()
def export(
    directory: Annotated[Path, typer.Option("--dir", metavar="DIR", help="A new folder for the files.")],
    config: ConfigFile = None,
) -> int:
    """Write the whole ledger as CSV files.

    One file a table, with fixed columns, and SHA256SUMS over them; amounts are in minor units (cents).
    """
    from billsync.cli.firm import look
    from billsync.cli.say import show
    from billsync.ledger.export import COLUMNS
    from billsync.reports import audit_export
    from billsync.reports.blocks import Table, Words, column, number

    with look(config) as firm:
        counts = audit_export.write(directory, COLUMNS, firm.ledger.export_rows)
    rows = tuple((f"{table}.csv", count) for table, count in counts.items())
    show([Words(f"Wrote {directory}"), Table(columns=(column("File"), number("Rows")), rows=rows)])
    return 0


@app.command()
def verify(
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")
    ] = "text",
    against: Against = None,
    config: ConfigFile = None,
) -> int:
    """Check that nothing was changed afterwards.

    Every hash of the journal is worked out anew and every table is compared with it; a row that was altered,
    removed or added is named. A history rewritten from end to end shows against any older head. Exit code 5 where
    something is wrong.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import json_object, show
    from billsync.reports.blocks import Table, Words, column, number

    heads = _heads(against) if against is not None else ()
    with look(config) as firm:
        found = firm.ledger.verify(heads)
        strange = [one for one in heads if not one.signed_by(_signer(firm.firm, firm.ledger.id).key)]
    if format == "json":
        problems = [{"seq": seq, "what": what} for seq, what in found.problems]
        whole = {"schema": "billsync.verify/1", "ok": found.ok, "rows": found.rows, "head": found.head}
        told = [{"rows": one.size, "at": one.at, "signed_with_our_key": one not in strange} for one in heads]
        json_object(whole | {"root": found.root, "heads": told, "problems": problems})
        return 0 if found.ok else TAMPERED
    if found.ok:
        show(
            [
                Words(f"The journal is whole: {found.rows} rows, none changed.", "good"),
                *(Words(f"It continues the head of {one.size} rows, signed {one.at}.", "good") for one in heads),
                Words(f"Head: {found.head}", "quiet"),
            ]
        )
    else:
        rows = tuple(found.problems)
        title = f"NOT WHOLE: {len(rows)} of {found.rows} rows are not what was written."
        show([Words(title, "unsure"), Table(columns=(number("Row"), column("What is wrong")), rows=rows)])
    for one in strange:
        show(
            [
                Words(
                    f"The head of {one.size} rows is not signed with our key: was it altered, or the key changed?",
                    "bad",
                )
            ]
        )
    return 0 if found.ok else TAMPERED


@app.command()
def key(config: ConfigFile = None) -> int:
    """Print the public key that heads and proofs are signed with.

    Give it to whoever shall check them, once and by a way of its own. The secret half is made on first use and stays
    in the state folder.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import say

    with look(config) as firm:
        say(_signer(firm.firm, firm.ledger.id).key)
    return 0


@app.command()
def anchor(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Add it to FILE, kept where billsync cannot write.")
    ] = None,
    mail: Annotated[
        str | None, typer.Option("--mail", metavar="ACCOUNT", help="Send it through this account of `notifications`.")
    ] = None,
    config: ConfigFile = None,
) -> int:
    """Print the signed head of the journal, to be kept outside.

    Mail it to your accountant (--mail), or keep it in a place that whoever could change the ledger cannot change. Any
    one head shows later whether a row before it was rewritten. With --to, the heads already in FILE are checked first.
    """
    from billsync.cli.firm import look
    from billsync.cli.say import say, write
    from billsync.sync.notify import send_head

    before = _heads(to) if to is not None and to.exists() else ()
    with look(config) as firm:
        firm.ledger.continues(before)
        ledger = firm.ledger.id
        head = firm.ledger.head(_signer(firm.firm, ledger), firm.firm.now())
    notes = [one.note for one in (*before, head)] if to is not None else [head.note]
    write(lambda file: file.write("\n".join(notes)), to)
    if to is not None:
        say(f"Added the head of {head.size} rows to {to}")
    if mail is not None:
        send_head(firm.firm, mail, head.note, rows=head.size, ledger=ledger)
        say(f"Sent the head of {head.size} rows through {mail}")
    return 0


@app.command()
def prove(
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="Its number or reference, or its beginning.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Else INVOICE.proof, here.")] = None,
    against: Against = None,
    config: ConfigFile = None,
) -> int:
    """Write a file that proves one invoice to an outsider.

    It holds the invoice's lines, the versions of the work behind them, who approved, and why all this stands in a
    journal that was not rewritten: nothing of other clients. It is checked by tools/verify_proof.py, without billsync.
    """
    from billsync.cli.explain import ambiguous
    from billsync.cli.firm import look
    from billsync.cli.say import show, write_bytes
    from billsync.reports import invoices
    from billsync.reports.blocks import Words
    from billsync.reports.reconcile import no_such

    older = max(_heads(against), key=lambda head: head.size) if against is not None else None
    with look(config) as firm:
        documents = invoices.build(firm.ledger.intents(), firm.ledger.documents())
        found = invoices.find(invoice, documents)
        if not found:
            raise no_such("invoice", invoice, [one.number or one.reference for one in documents])
        if len(found) > 1:
            raise ambiguous(invoice, [one.number or one.reference for one in found])
        signer = _signer(firm.firm, firm.ledger.id)
        proof = firm.ledger.prove(found[0].reference, signer, firm.firm.now(), older)
    file = out or Path(f"{found[0].reference}.proof")
    write_bytes(lambda stream: stream.write(proof), file, what="a proof")
    told = [Words(f"Wrote {file}, {len(proof)} bytes.", "good")]
    told.append(Words(f"To check it: python tools/verify_proof.py {file} --key {signer.key}", "command"))
    show(told)
    return 0


def _signer(firm: Firm, ledger: str) -> Signer:
    """The firm's key; made now if this is its first use."""
    import secrets

    from billsync.config.signing import signing_seed
    from billsync.ledger.checkpoint import Signer

    return Signer(ledger, signing_seed(firm.config.state_dir, random=secrets.token_bytes))


def _heads(file: Path) -> tuple[Checkpoint, ...]:
    """The heads noted in a file."""
    from billsync.ledger.checkpoint import read_heads
    from billsync.model.errors import UsageError

    try:
        return read_heads(file.read_text(encoding="utf-8"), where=str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the file of heads cannot be read", where=f"{file}: {error}") from None
