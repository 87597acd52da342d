"""The commands in the documentation exist, every command is documented, and those that need no vendor run."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from billsync.cli import COMMANDS, SECTIONS, app, main
from billsync.cli.commands_page import commands
from billsync.config import load, resolve
from billsync.reports.connector_write import read
from tests.conftest import ROOT
from tests.test_docs import DOCS, PAGES, README, name_of
from tests.unit.cli.run import billsync

FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^\s*(?:\$ |\S*[\\/])?billsync(?:\.exe)? |^\s*(?:\d+|\*)(?: +[\d*]+){4} |^\s*schtasks ")
CALL = re.compile(r"^.*(?:^|[\\/\s])billsync(?:\.exe)?\s+(.*)$")


def blocks(page: Path) -> Iterator[str]:
    """Each block of code of a page: fenced, or indented by four."""
    yield from FENCED.findall(read(page))
    yield from re.findall(r"(?:^ {4}.*\n)+", FENCED.sub("", read(page)), re.MULTILINE)


def in_blocks(page: Path, *, transcripts: bool = True) -> list[list[str]]:
    """The words behind `billsync` of each line that is to be typed: without comment, pipe, or what follows."""
    shown = [block for block in blocks(page) if transcripts or not block.startswith("$ ")]
    lines = [line for block in shown for line in block.splitlines() if SHELL.match(line) and "<" not in line]
    parts = [part for line in lines for part in re.split(r"&&|[|>]", re.sub(r"\s#.*$", "", line))]
    calls = [found[1] for part in parts if (found := CALL.search(part.strip()))]
    words = [re.findall(r'"[^"]*"|[^\s"]+', call.replace("\\", "/")) for call in calls]
    return [[word.strip('"') for word in call] for call in words]


def in_sentences(page: Path) -> list[list[str]]:
    """The words of each `billsync ...` that a sentence names."""
    return [shlex.split(words) for words in re.findall(r"`billsync ([^`\n]+)`", FENCED.sub("", read(page)))]


def found_in(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words call, and the rest of them."""
    command: Any = get_command(app)
    while words[:1] == ["--config"]:
        words = words[2:]
    if not words or words[0].startswith("-") or words[0] == "COMMAND":
        return command, [word for word in words if word != "COMMAND"]
    assert words[0] in COMMANDS, f"there is no command `billsync {words[0]}`"
    command, rest = command.get_command(None, words[0]), words[1:]
    while rest and not rest[0].startswith("-") and (inner := getattr(command, "commands", None)):
        assert rest[0] in inner, f"there is no command `billsync {' '.join(words)}`"
        command, rest = inner[rest[0]], rest[1:]
    return command, rest


def check_options(command: Any, rest: list[str], words: list[str]) -> None:
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    unknown = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)} - known
    assert not unknown, f"`billsync {' '.join(words)}`: there is no option {', '.join(unknown)}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_named_exists_with_its_options(page):
    for words in [*in_blocks(page), *in_sentences(page)]:
        command, rest = found_in(words)
        check_options(command, rest, words)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_to_be_typed_is_complete(page):
    """It is taken as the program takes it, up to the moment where it would run."""
    for words in in_blocks(page):
        command, rest = found_in(words)
        if not getattr(command, "commands", None):
            command.make_context("billsync", ["2026-07-31" if word == "DATE" else word for word in rest])


def test_the_search_finds_commands_of_every_kind():
    assert ["init"] in in_blocks(README) and ["demo"] in in_blocks(README)
    assert ["sync", "--dry-run"] in in_blocks(README), "behind a comment"
    assert ["--config", "/srv/billing/billsync.yaml", "sync"] in in_blocks(DOCS / "start.md"), "in a crontab"
    assert ["--config", "C:/billing/billsync.yaml", "sync"] in in_blocks(DOCS / "start.md"), "in Task Scheduler"
    assert ["plugins", "new", "acme"] in in_blocks(DOCS / "writing-a-plugin.md"), "behind a prompt"
    assert ["audit", "verify"] in in_sentences(README)
    with pytest.raises(AssertionError, match="no command"):
        found_in(["audit", "veryfy"])
    with pytest.raises(AssertionError, match="no option --dryrun"):
        check_options(*found_in(["sync", "--dryrun"]), ["sync", "--dryrun"])


def test_every_command_is_documented():
    written = read(DOCS / "commands.md")
    every = [one.words for section in SECTIONS for one in commands(section)]
    assert len(every) > 40 and {words.split()[0] for words in every} == set(COMMANDS)
    assert [words for words in every if not re.search(rf"`billsync {words}[ `]", written)] == []


# What needs no vendor runs

ELSEWHERE = {"demo", "auth", "torture"}
"""Tested on their own: a firm made up, a log-in, simulated months."""
STANDS_FOR = {"ITEM": "ACME-2026-01/line/permit", "2026-0017": "2026-0001"}


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    words = [STANDS_FOR.get(word, word) for word in words]
    code = main(words)
    said = capsys.readouterr()
    assert code in (0, 1), f"billsync {' '.join(words)}: {code}\n{said.out}{said.err}"
    return said.out


@pytest.fixture
def firm(tmp_path, monkeypatch) -> Path:
    """The worked example, and the working directory in it."""
    folder = Path(shutil.copytree(ROOT / "examples" / "worked-example", tmp_path / "firm"))
    monkeypatch.chdir(folder)
    return folder


def test_the_commands_of_the_documentation_run_in_their_order(firm, capsys):
    (firm / "billsync.yaml").rename(firm / "kept.yaml")
    pages = [README, DOCS / "start.md", DOCS / "audit.md"]
    apart = {*ELSEWHERE, "--config", "plugins"}
    every = [words for page in pages for words in in_blocks(page, transcripts=False)]
    typed = [words for words in every if words[0] not in apart]
    names = {words[0] for words in typed}
    assert {"init", "check", "sync", "reconcile", "review", "explain", "audit"} <= names
    for words in typed:
        (firm / "billsync.yaml").unlink(missing_ok=True)
        if words[0] != "init":
            shutil.copy(firm / "kept.yaml", firm / "billsync.yaml")
        if "--against" in words and not (firm / "heads.txt").exists():
            run(["audit", "anchor", "--to", "heads.txt"], capsys)  # the heads that were kept since
        assert run(words, capsys), f"billsync {' '.join(words)} says nothing"


def test_the_readme_shows_the_statement_of_the_worked_example(firm, capsys):
    run(["sync"], capsys)
    said = run(["reconcile"], capsys).splitlines()
    [shown] = [block for block in blocks(README) if block.startswith("$ billsync reconcile")]
    for line in shown.splitlines()[1:]:
        assert line in said or line == "...", f"README.md shows {line!r}; reconcile says\n" + "\n".join(said)


def test_the_contracts_of_the_readme_load(firm):
    [shown] = [block for block in blocks(README) if block.lstrip().startswith("contracts:")]
    indent = len(shown) - len(shown.lstrip())
    text = "\n".join(line[indent:] for line in shown.splitlines())
    head = (firm / "billsync.yaml").read_text(encoding="utf-8").partition("contracts:")[0]
    (firm / "billsync.yaml").write_text(f"{head}\n{text}\n", encoding="utf-8")
    assert {"SMALL-1", "ACME-2026-01"} <= set(resolve(load(firm / "billsync.yaml", environ={})).contracts)


def test_the_walk_to_a_first_connector_is_what_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr("billsync.cli.plugins_author.program", lambda: "billsync")
    page = DOCS / "writing-a-plugin.md"
    walked = [block for block in blocks(page) if block.startswith("$ billsync plugins")]
    assert [block.splitlines()[0].split()[3] for block in walked] == ["new", "test"]
    new, test = walked
    assert main(["plugins", "new", "acme"]) == 0
    assert capsys.readouterr().out == new.partition("\n")[2], f"{name_of(page)} shows another answer of `plugins new`"
    ran = billsync(*shlex.split(test.splitlines()[0])[2:], cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said = ran.stdout.splitlines()
    for line in test.splitlines()[1:]:
        assert line == "..." or line in said, f"{name_of(page)} shows {line!r}; the kit says\n{ran.stdout}"
