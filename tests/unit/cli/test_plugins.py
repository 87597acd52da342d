"""`plugins show` and `plugins docs`: each connector tells what it needs, does and rests on; that makes its page."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from billsync.cli import main
from billsync.cli.plugins_found import built_in
from billsync.reports.connector import connector_of, role_of
from billsync.reports.connector_page import pages
from billsync.reports.connector_write import MARK, write_pages

CONNECTORS = sorted(built_in(), key=lambda one: (one.kind, role_of(one)))
IDS = [f"{one.kind}-{role_of(one)}" for one in CONNECTORS]


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["plugins", *words]) == code
    said = capsys.readouterr()
    return said.out if code == 0 else said.err


@pytest.mark.parametrize("connector", CONNECTORS, ids=IDS)
def test_each_connector_tells_what_its_user_must_know(connector):
    told = connector_of(connector)
    assert told.summary.endswith("."), "the first line of the module says what it reads or writes"
    assert told.docs.startswith("https://")
    secrets = set(connector.options_class.secret_fields())
    assert {option.name for option in told.options if option.secret} == secrets
    assert all(option.meaning for option in told.options), "an option without a word"
    facts = {fact.name: fact.text for fact in told.facts}
    wanted = {
        "source": {"reads", "approval", "changes", "deletions"},
        "sink": {"writes", "exactly once", "stamp"},
        "notifier": {"sends"},
    }[role_of(connector)]
    assert wanted <= facts.keys() and all(facts.values())
    ways = [way for way in told.ways if way.options]
    taken = any(set(way.options) & secrets for way in ways)
    assert connector.api is None or secrets <= {"refresh_token"} or taken, "no way in takes the secret"


@pytest.mark.parametrize("connector", CONNECTORS, ids=IDS)
def test_what_could_not_be_tried_is_told_without_its_marks(connector):
    told = connector_of(connector)
    for guess in told.guesses:
        assert guess.assumed and not re.match(r"Unconfirmed|Rests on", guess.assumed)
        assert "shows as:" not in guess.assumed
    marks = re.findall(
        r"(?m)^(?:Unconfirmed|Not confirmed|Rests on [^:]+):", sys.modules[connector.__module__].__doc__ or ""
    )
    assert len(told.guesses) == len(marks)


def test_a_docstring_may_be_reworded_at_will():
    from billsync.reports.connector import _told

    text = """Acme: time. API 2.

    https://acme.example/api. The user must be an administrator,
    else half is missing.
    - One thing
      over two lines.
    - Another.
    Unconfirmed: ids are numbers - shows as: not an id.
    Rests on memory: that pages
    end (else a list goes in circles).
    """
    summary, before, notes, guesses = _told(text)
    assert summary == "Acme: time. API 2."
    assert before == "The user must be an administrator, else half is missing."
    assert notes == ("One thing over two lines.", "Another.")
    assert [(guess.assumed, guess.shows) for guess in guesses] == [
        ("ids are numbers", "not an id"),
        ("that pages end (else a list goes in circles).", ""),
    ]
    assert _told("One line.") == ("One line.", "", (), ())


def test_json_tells_both_sides_of_a_kind(capsys):
    told = json.loads(run(capsys, "show", "xero", "--format", "json"))
    assert told["schema"] == "billsync.plugins/1"
    source, sink = sorted(told["connectors"], key=lambda one: one["role"], reverse=True)
    assert (source["role"], sink["role"]) == ("source", "sink")
    assert sink["facts"]["stamp"] and source["facts"]["reads"] == "projects, time"
    [way] = sink["ways"]
    assert way["login"] and "accounting.invoices" in way["scopes"]
    secret = next(option for option in sink["options"] if option["name"] == "client_secret")
    assert secret["secret"] and secret["required"]


def test_text_shows_credentials_before_options(capsys):
    said = run(capsys, "show", "jira")
    assert said.index("id.atlassian.com") < said.index("\nOptions\n") < said.index("Not tried on a live account")
    assert "billsync auth login my-jira" in said


def test_a_kind_that_nobody_offers_has_a_nearest_one(capsys):
    assert "did you mean 'harvest'?" in run(capsys, "show", "hravest", code=2)
    assert "billsync plugins list" in run(capsys, "show", "qqqq", code=2)


def test_a_file_that_offers_nothing_or_is_not_there_is_refused(tmp_path, capsys):
    empty = tmp_path / "empty.py"
    empty.write_text("", encoding="utf-8")
    assert "offers no connector" in run(capsys, "show", str(empty), code=2)
    assert "no such file" in run(capsys, "show", str(tmp_path / "none.py"), code=2)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.py"], "looking at a file writes nothing beside it"


def test_a_plugin_of_the_firm_is_shown_like_any_other(new_firm):
    new_firm.edit("billsync.yaml", "firm:", "plugins_dir: own\nfirm:")
    new_firm.expect(0, "plugins", "new", "acme")
    told = new_firm.json(0, "plugins", "show", "acme")["connectors"]
    assert [(one["kind"], one["distribution"], one["facts"]["reads"]) for one in told] == [
        ("acme", "acme.py", "projects, time")
    ]
    broken = new_firm.folder / "own" / "acme.py"
    broken.write_text("import nothing_of_this_name\n", encoding="utf-8")
    error = new_firm.run("plugins", "show", "acme")
    assert error.returncode == 2 and "cannot be imported" in error.stderr and "acme.py" in error.stderr


def test_pages_are_written_once_and_those_of_connectors_that_are_gone_are_removed(tmp_path):
    made = pages(CONNECTORS)
    assert {str(path.relative_to(tmp_path).as_posix()) for path in write_pages(made, tmp_path)} == set(made)
    assert write_pages(made, tmp_path) == [], "a second run changes nothing"
    gone, mine = tmp_path / "connectors" / "gone.md", tmp_path / "connectors" / "mine.md"
    gone.write_text((tmp_path / "connectors" / "jira.md").read_text(encoding="utf-8"), encoding="utf-8")
    mine.write_text("# By hand\n", encoding="utf-8")
    (tmp_path / "hooks.md").write_text("old\n", encoding="utf-8")
    assert [path.name for path in write_pages(made, tmp_path)] == ["hooks.md", "gone.md"]
    assert mine.is_file(), "a page that no run made was removed"


def test_a_readme_gets_its_table_between_its_marks_and_no_other_is_touched(tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text(f"# Firm\n\n{MARK}of last year\n{MARK}\nThe end.\n", encoding="utf-8")
    run(capsys, "docs", str(tmp_path / "docs"))
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("# Firm\n") and text.endswith("\n\nThe end.\n") and "last year" not in text
    assert "| [Jira](docs/connectors/jira.md) | projects, milestones, time |  |" in text
    readme.write_text("# Firm\n\n<!-- connectors -->\nmine\n", encoding="utf-8")
    run(capsys, "docs", str(tmp_path / "docs"))
    assert readme.read_text(encoding="utf-8") == "# Firm\n\n<!-- connectors -->\nmine\n"


def test_docs_says_what_it_wrote(tmp_path, capsys):
    said = run(capsys, "docs", str(tmp_path)).splitlines()
    assert str(Path(tmp_path, "connectors", "jira.md")) in said and said[-1] == f"{len(said) - 1} pages changed"
    assert run(capsys, "docs", str(tmp_path)) == "every page was up to date\n"
