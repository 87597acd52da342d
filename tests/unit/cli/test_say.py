"""What is drawn on a terminal: it fits 80 columns and cuts neither identities nor amounts."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from billsync.cli import say
from billsync.model.errors import UsageError
from billsync.model.money import Money
from billsync.reports import queue
from billsync.reports.blocks import Table, Words, column, number, under
from billsync.reports.reconcile import build
from billsync.reports.reconcile_blocks import blocks
from tests.unit.reports import worked

LONG = "ACME-2026-01/milestone/" + "/".join(f"part{at}" for at in range(20))
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal(io.StringIO):
    """A terminal of 80 columns."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def look_on(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in the place of stdout and stderr: in the test itself, after pytest put its own there."""
    terminal = Terminal()
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def lines(terminal: Terminal) -> list[str]:
    return [_ESCAPES.sub("", line).rstrip() for line in terminal.getvalue().splitlines()]


def report(**changes):
    return build(worked.evaluation(**changes), as_of=worked.TODAY, terms=worked.TERMS)


def test_reports_fit_80_columns(monkeypatch):
    screen = look_on(monkeypatch)
    long = worked.item(LONG, "A name that is quite long, as names of milestones are " * 2, 99_999_999_999, "held",
                       cause="acceptance_missing", owner="billing coordinator", age_days=1234)  # fmt: skip
    say.show(blocks(report(items=(*worked.ITEMS, long))))
    say.show(
        queue.blocks(queue.build(worked.evaluation(items=(*worked.ITEMS, long), held_drafts=(worked.HELD_DRAFT,))))
    )
    assert max(map(len, lines(screen))) <= 80


def test_an_amount_is_never_broken_and_an_identity_never_cut(monkeypatch):
    screen = look_on(monkeypatch)
    columns = (number("Amount"), column("Item"), under("Identity"))
    say.show([Table(columns=columns, rows=((Money(99_999_999_999, "USD"), "name", LONG),))])
    drawn = lines(screen)
    assert any("USD 999,999,999.99" in line for line in drawn)
    assert "".join(line.strip() for line in drawn).endswith(LONG), "its pieces are the whole identity"


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    screen = look_on(monkeypatch)
    say.show([Words("NOT KNOWN", "unsure")])
    assert "\x1b[1;31m" in screen.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    screen.truncate(0)
    say.show([Words("NOT KNOWN", "unsure")])
    assert "\x1b[1;31m" not in screen.getvalue()


def test_a_records_words_are_words_on_the_terminal_too(monkeypatch):
    screen = look_on(monkeypatch)
    say.show([Words("[bold]\x1b[2Jname[/bold]"), Table(columns=(column("[red]x"),), rows=(("[link=x]\x07",),))])
    drawn = "\n".join(lines(screen))
    assert "[bold]" in drawn and "[link=x]" in drawn and "\x07" not in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()


def test_a_command_is_not_broken_so_that_it_can_be_copied(monkeypatch):
    screen = look_on(monkeypatch)
    command = "  billsync --config " + "x" * 90 + " review"
    say.show([Words(command, "command")])
    assert command in lines(screen)


def test_progress_is_one_line_that_is_gone_before_the_answer(monkeypatch):
    screen = look_on(monkeypatch)
    with say.TerminalProgress() as progress:
        progress.say("polling 2 accounts")
        progress.count("work", "time", 1200)
    assert "\x1b[?25h" in screen.getvalue(), "the cursor is shown again"
    screen.truncate(0)
    with say.TerminalProgress(quiet=True) as progress:
        progress.say("nobody listens")
    assert "nobody" not in screen.getvalue()


def test_no_progress_where_nobody_looks_on(capsys):
    with say.TerminalProgress() as progress:
        progress.say("polling")
        progress.count("work", "time", 3)
    assert capsys.readouterr() == ("", "")


def test_bytes_are_not_for_the_screen(monkeypatch):
    look_on(monkeypatch)
    with pytest.raises(UsageError, match="not for the screen"):
        say.write_bytes(lambda file: file.write(b"PK"), None, what="an XLSX file")


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path):
    target = tmp_path / "report.csv"
    target.write_text("old", encoding="utf-8")

    def half(file):
        file.write("half of it")
        raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match="No space left"):
        say.write(half, target)
    assert target.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]
