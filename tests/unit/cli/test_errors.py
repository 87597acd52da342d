from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys

import pytest

from billsync.cli.errors import Outcome
from billsync.model.errors import BillsyncError, LedgerError, Locked, Refused, Tampered, Unavailable, UsageError

SECRET = "sk-live-0123456789"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def outcome_of(error: BaseException, *, debug: bool = False) -> int:
    with Outcome(debug=debug) as outcome:
        raise error
    return outcome.code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (Unavailable("x"), 3),
        (Refused("x"), 3),
        (LedgerError("x"), 5),
        (Tampered("x"), 5),
        (Locked("x"), 6),
    ],
)
def test_the_class_of_an_error_is_its_exit_code(error, code):
    assert outcome_of(error) == code


def test_an_error_is_three_lines_on_stderr(capsys):
    outcome_of(UsageError("unknown key 'rats'", where="billsync.yaml:7", hint="did you mean 'rates'?"))
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "unknown key 'rats'\n  billsync.yaml:7\n  did you mean 'rates'?\n"


def test_what_is_not_known_leaves_no_empty_line(capsys):
    outcome_of(BillsyncError("only this"))
    assert capsys.readouterr().err == "only this\n"


@pytest.mark.parametrize(("no_color", "red"), [(None, True), ("1", False), ("", False)])
def test_only_the_first_line_is_red_and_only_on_a_terminal_that_wants_colour(monkeypatch, no_color, red):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    outcome_of(UsageError("what", where="where", hint="next"))
    first, *others = screen.getvalue().splitlines()
    assert ("\x1b[31m" in first) is red
    assert not any("\x1b" in line for line in others)


def test_an_error_nobody_foresaw_is_a_bug_told_without_its_words(capsys):
    code = outcome_of(ValueError(f"token {SECRET} is wrong"))
    told = capsys.readouterr().err
    assert code == 2
    assert "this is a bug in billsync: ValueError" in told and "--debug" in told
    assert SECRET not in told and len(told.splitlines()) == 3


def test_debug_shows_where_but_no_secret(capsys):
    def call(token: str) -> None:
        raise ValueError(f"{token} is wrong")

    with Outcome(debug=True) as outcome:
        call(SECRET)
    told = capsys.readouterr().err
    assert outcome.code == 2
    assert "in call" in told and "test_errors.py" in told
    assert SECRET not in told


def test_a_database_error_is_the_ledgers_code(capsys):
    assert outcome_of(sqlite3.OperationalError("disk I/O error")) == 5
    assert "disk I/O error" in capsys.readouterr().err


def test_the_systems_refusal_names_the_file(capsys):
    assert outcome_of(PermissionError(13, "Permission denied", "/srv/firm/out.csv")) == 2
    told = capsys.readouterr().err
    assert "Permission denied" in told and "/srv/firm/out.csv" in told


def test_an_interruption_is_130_and_no_trace(capsys):
    assert outcome_of(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err.splitlines()[0] == "interrupted"


def test_a_reader_who_leaves_ends_the_command_without_a_word():
    """`billsync config schema | head -1`: 40 kB into a pipe whose reader is gone."""
    command = [sys.executable, "-m", "billsync", "config", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None and run.stderr is not None
        run.stdout.close()
        told = run.stderr.read()
        code = run.wait(timeout=120)
    assert told == b""
    assert code == 141, "what was not read to the end must not look like `all billed`"


def test_debug_may_stand_after_the_command():
    environment = os.environ | {"BILLSYNC_CONFIG": "/nowhere/billsync.yaml"}
    command = [sys.executable, "-m", "billsync", "config", "check", "--debug"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 2
    assert "in check" in run.stderr, "the trace leads to the command"
    assert "there is no such configuration file" in run.stderr
