"""`billsync --help` against the help of a bare typer program with two commands."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.processes import in_turn

BARE = '''
import typer

app = typer.Typer()


@app.command()
def sync() -> None:
    """Bill what is due."""


@app.command()
def reconcile() -> None:
    """Show what is unbilled."""


app()
'''


def main() -> None:
    """Print the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE, encoding="utf-8")
        pair = in_turn([sys.executable, "-m", "billsync", "--help"], [sys.executable, str(bare), "--help"])
    print(
        f"--help: billsync {pair.ours * 1000:.0f} ms, bare typer {pair.theirs * 1000:.0f} ms, "
        f"ratio {pair.ratio:.2f} (median of {pair.runs} pairs)"
    )


if __name__ == "__main__":
    main()
