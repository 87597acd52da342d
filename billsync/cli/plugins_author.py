"""The author's side of plugins: a new connector with its test and its page, and the contract kit on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from billsync.cli.app import ConfigFile, program
from billsync.cli.plugins_found import ROLES, firm_plugins, of_file

if TYPE_CHECKING:
    from billsync.reports.blocks import Block
    from billsync.testing.kit import KitClass, KitRun, KitTest

TESTED: Final = "billsync.plugins-test/1"
_ORIGINS: Final = {"anew": "written anew", "own": "your own"}


def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Name of the connector: lower-case letters, digits, _.")],
    sink: Annotated[bool, typer.Option("--sink", help="A set of books instead of a source of work.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            metavar="FOLDER",
            help="Where to; else the firm's plugins_dir, else connectors.",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = None,
) -> int:
    """Write a connector, its test and its page.

    A source of projects and time, or with --sink a set of books. It works, against a made-up vendor of its own, and
    passes the contract kit as it is: change the fake vendor into the real one, then the connector. No file is replaced.
    """
    from billsync.cli.say import show as draw
    from billsync.reports.connector_page import connector_page
    from billsync.testing.skeleton import refuse_existing, write_skeleton

    plugins = firm_plugins(config)
    folder = folder or plugins.folder or Path("connectors")
    page = folder / f"{kind}.md"
    refuse_existing(page)
    taken = {provider.kind for role in ROLES for provider in plugins.providers(role)}
    connector, *tests = write_skeleton(kind, "sink" if sink else "source", folder, taken=taken)
    made_by = f"billsync plugins show {connector.name} --format markdown"
    text = connector_page([one.connector for one in of_file(connector)], made_by=made_by)
    page.write_text(text, encoding="utf-8", newline="\n")
    draw(_written([connector, *tests, page], named=plugins.folder == folder))
    return 0


def test(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A connector, its test, or a folder of tests.")],
    format: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text or json.", metavar="FORMAT")
    ] = "text",
    trace: Annotated[bool, typer.Option("--traceback", help="Show of each failure where it arose.")] = False,
) -> int:
    """Run the contract kit on a connector.

    Every test of a file or folder that derives from SourceContract or SinkContract of billsync.testing, against its
    fake vendor. Needs pytest. Exit code: 0 all passed, 1 a test failed or was skipped, 2 there is nothing to run.
    """
    from billsync.cli.say import json_object
    from billsync.cli.say import show as draw
    from billsync.testing.kit import run_kit

    if sys.stderr.isatty():
        sys.stderr.write("running the contract kit ...\n")
    run = run_kit(path)
    if format == "json":
        json_object(_row(run))
    else:
        draw(_blocks(run, trace=trace))
    return 0 if run.passed else 1


def _written(paths: Sequence[Path], *, named: bool) -> Iterator[Block]:
    from billsync.reports.blocks import Table, Words, column, whole

    connector = paths[0]
    words = {paths[0]: "the connector", paths[1]: "its test, with a made-up vendor", paths[-1]: "its page"}
    rows = tuple((str(path), words.get(path, "lets pytest find it")) for path in paths)
    yield Table(title="Written", columns=(column(""), whole("")), rows=rows)
    yield Words("Next", "heading")
    yield from _command(f"plugins test {_quoted(connector)}", "runs the contract kit: it passes as it is")
    yield from _command(f"plugins show {_quoted(connector)}", "tells what users will be told")
    use = "tries the real account, once billsync.yaml names one"
    yield from _command("check", use if named else f"{use}, and plugins_dir: {_quoted(connector.parent)}")


def _command(words: str, why: str) -> Iterator[Block]:
    from billsync.reports.blocks import Words

    yield Words(f"  {program()} {words}", "command")
    yield Words(f"      {why}", "quiet")


def _quoted(path: Path) -> str:
    """A path as it may be typed on any system."""
    return f'"{path}"' if " " in str(path) else str(path)


def _blocks(run: KitRun, *, trace: bool) -> Iterator[Block]:
    from billsync.reports.blocks import Words

    for one in run.classes:
        yield _table(one.tests, f"{one.kind}, {one.role}: {one.name} in {one.file}")
    if run.beside:
        yield _table(run.beside, "Tests beside the kit's")
    failed = [test for test in run.tests if test.failures]
    for test in failed:
        yield from _traced(test) if trace else _told(test)
    yield Words("")
    yield _verdict(run)
    if failed and not trace:
        yield Words("Where each arose: --traceback", "quiet")


def _table(tests: Sequence[KitTest], title: str) -> Block:
    from billsync.reports.blocks import Table, column, number, whole

    rows = tuple(
        (test.words + (f" ({_ORIGINS[test.origin]})" if test.origin != "kit" else ""), test.cases, _outcome(test))
        for test in tests
    )
    return Table(title=title, columns=(column("Test"), number("Cases"), whole("Outcome")), rows=rows)


def _outcome(test: KitTest) -> str:
    if test.outcome == "failed":
        return f"FAILED {len(test.failures)}"
    return test.outcome


def _told(test: KitTest) -> Iterator[Block]:
    """The first case that failed, in its own words, and the names of the others."""
    from billsync.reports.blocks import Words

    first, *others = test.failures
    yield Words(f"{test.words} [{first.case}]" if first.case else test.words, "heading")
    lines = first.message.removeprefix("AssertionError: ").splitlines()[:4]
    yield from (Words(f"  {line}") for line in lines)
    if first.where:
        yield Words(f"  {first.where}", "quiet")
    if others:
        yield Words(f"  and {len(others)} more: {', '.join(one.case for one in others)}", "quiet")


def _traced(test: KitTest) -> Iterator[Block]:
    from billsync.reports.blocks import Words

    for failure in test.failures:
        yield Words(f"{test.words} [{failure.case}]" if failure.case else test.words, "heading")
        yield from (Words(f"  {line}") for line in failure.trace.splitlines())


def _verdict(run: KitRun) -> Block:
    from billsync.reports.blocks import Words

    cases = sum(test.cases for test in run.tests)
    bad = [test for test in run.tests if test.outcome != "passed"]
    kinds = sorted({one.kind for one in run.classes})
    names, one = ", ".join(kinds), len(kinds) == 1
    if not bad:
        keeps = "keeps" if one else "keep"
        return Words(f"{names} {keeps} the contract: {len(run.tests)} tests, {cases} cases, all passed.", "good")
    does = "does" if one else "do"
    return Words(f"{names} {does} not keep the contract: {len(bad)} of {len(run.tests)} tests did not pass.", "bad")


def _row(run: KitRun) -> dict[str, Any]:
    return {
        "schema": TESTED,
        "passed": run.passed,
        "connectors": [_class_row(one) for one in run.classes],
        "beside": [_test_row(test) for test in run.beside],
    }


def _class_row(one: KitClass) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "role": one.role,
        "class": one.name,
        "file": one.file,
        "tests": [_test_row(test) for test in one.tests],
    }


def _test_row(test: KitTest) -> dict[str, Any]:
    return {
        "test": test.name,
        "whose": test.origin,
        "cases": test.cases,
        "outcome": test.outcome,
        "failures": [
            {"case": one.case or None, "message": one.message, "where": one.where or None} for one in test.failures
        ],
    }
