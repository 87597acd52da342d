from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest
import typer

from billsync import cli
from tests.unit.cli.run import billsync

HEAVY = ("httpx", "rich", "sqlite_utils", "sqlite3", "keyring", "jinja2", "pydantic", "yaml", "billsync.sync")


def loaded_after(*words: str) -> set[str]:
    """Which heavy modules a command line leaves behind."""
    code = (
        "import json, sys; from billsync.cli import main; main(sys.argv[1:]); "
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_help_loads_nothing_heavy():
    assert loaded_after("--help") == set(), "`billsync --help` must stay quick"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_commands_help_loads_no_library_of_the_work(name):
    loaded = loaded_after(name, "--help") - {"pydantic"}  # typer coerces a command's parameters with it
    assert loaded == set(), f"`billsync {name} --help` imports what only its work needs"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_of_the_table_is_there_and_has_examples(name):
    app = importlib.import_module(cli.module_of(name)).app
    assert isinstance(app, typer.Typer)
    run = billsync(name, "--help")
    assert run.returncode == 0, run.stderr
    assert "Examples:" in run.stdout and f"billsync {name}" in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 80, "help must fit a terminal of 80 columns"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_subcommand_says_what_it_does_in_a_line_that_is_not_cut(name):
    run = billsync(name, "--help")
    assert "..." not in run.stdout.split("Examples:")[0].partition("Commands:")[2], run.stdout


def test_the_root_lists_all_commands_in_sections():
    run = billsync("--help")
    for section, commands in cli.SECTIONS.items():
        assert f"{section}:" in run.stdout
        for name, line in commands.items():
            assert f"  {name} " in run.stdout and line.split()[0] in run.stdout


def test_without_a_word_the_help_is_the_answer():
    run = billsync()
    assert run.returncode == 0 and "Set up and look:" in run.stdout and not run.stderr


def test_a_wrong_command_is_an_error_of_three_lines_with_the_nearest_name():
    run = billsync("reconcil")
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.splitlines() == [
        "there is no command 'reconcil'; did you mean 'reconcile'?",
        "  billsync",
        "  see `billsync --help`",
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("reconcile", "--format", "pdf"), "'pdf' is not one of"),
        (("reconcile", "--as-of", "31.07.2026"), "is not a date like 2026-07-31"),
        (("reconcile", "--nonsense"), "No such option: --nonsense"),
        (("review", "hold", "x"), "Missing option '--reason'"),
    ],
)
def test_wrong_words_are_usage_errors_that_name_the_help(words, complaint):
    run = billsync(*words)
    assert run.returncode == 2
    first, *others = run.stderr.splitlines()
    assert complaint in first, run.stderr
    assert others[-1].endswith("--help`") and len(others) == 2, run.stderr


def test_version():
    from billsync import __version__

    for words in (("--version",), ("--debug", "--version")):  # answered before and by the command line
        assert billsync(*words).stdout == f"billsync {__version__}\n"


@pytest.mark.parametrize("words", [("--config", "FILE", "config", "check"), ("config", "check", "--config", "FILE")])
def test_the_configuration_is_named_before_or_after_the_command(tmp_path, words):
    file = tmp_path / "own.yaml"
    file.write_text("firm: {name: Own}\n", encoding="utf-8")
    run = billsync(*(str(file) if word == "FILE" else word for word in words))
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"{file} is good")


def test_the_configuration_is_named_by_the_variable_and_the_option_wins(tmp_path):
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    for file in (one, other):
        file.write_text("firm: {name: Own}\n", encoding="utf-8")
    by_variable = billsync("config", "check", BILLSYNC_CONFIG=str(one))
    by_option = billsync("config", "check", "--config", other, BILLSYNC_CONFIG=str(one))
    assert by_variable.stdout.startswith(str(one)) and by_option.stdout.startswith(str(other))


def test_a_configuration_that_is_not_there_is_named_with_what_to_do(tmp_path):
    run = billsync("config", "check", cwd=tmp_path)
    assert run.returncode == 2
    assert "billsync init" in run.stderr and len(run.stderr.splitlines()) == 3, run.stderr
