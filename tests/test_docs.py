"""The documentation says what the code does: pages are fresh, their examples load, links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from billsync.cli import app
from billsync.cli.plugins import generated
from billsync.cli.plugins_found import ROLES, built_in
from billsync.config import build_options, load, resolve
from billsync.model import errors
from billsync.plugins import Plugins
from billsync.reports import exit as exits
from billsync.reports.connector_page import MADE, REGENERATE, short_table, signature
from billsync.reports.connector_write import MARK, read, stale, with_table
from billsync.sdk import hooks
from billsync.sdk.columns import Columns, Mapper
from billsync.sdk.sink import Sink
from billsync.sdk.source import Source
from tests.conftest import ROOT

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted([README, *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
CONNECTORS = built_in()
JOINED = [one for one in CONNECTORS if issubclass(one, Source | Sink)]
GENERATED = generated()


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# Generated pages


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_fresh(name):
    assert read(DOCS / name) == GENERATED[name], f"docs/{name} is not what the code says: run `{REGENERATE}`"


def test_no_page_is_left_of_a_connector_that_is_gone():
    assert stale(GENERATED, DOCS) == [], f"run `{REGENERATE}`"


def test_connectors_are_their_pages_their_list_and_the_readme():
    kinds = {one.kind for one in CONNECTORS}
    made = {path.stem for path in (DOCS / "connectors").glob("*.md") if read(path).startswith(MADE)}
    found = made - {"README", "columns"}
    listed = set(re.findall(r"\]\((\w+)\.md\) \| `", read(DOCS / "connectors" / "README.md")))
    assert kinds == found == listed
    shown = with_table(read(README), short_table(CONNECTORS, folder="docs/connectors/"))
    assert shown.count(MARK) == 2 and shown == read(README), f"the table of README.md is old: run `{REGENERATE}`"


def test_the_readme_claims_no_more_quality_than_was_earned():
    assert {one.quality for one in JOINED} == {"silver"}, "README.md says that all connectors are silver"


# Examples of the pages


def examples() -> Iterator[Any]:
    for page in sorted((DOCS / "connectors").glob("*.md")):
        for number, text in enumerate(re.findall(r"^```yaml\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)):
            if text.startswith(("sources:", "sinks:", "notifications:")):
                yield pytest.param(text, id=f"{page.stem}-{number}")


def test_each_connector_has_an_example():
    shown = [str(one.id).rpartition("-")[0] for one in examples()]
    wanted = {one.kind: sum(other.kind == one.kind for other in CONNECTORS) for one in CONNECTORS}
    assert all(shown.count(kind) >= number for kind, number in wanted.items())


@pytest.mark.parametrize("text", list(examples()))
def test_the_example_of_a_page_loads_and_fits_its_connector(tmp_path, text):
    (tmp_path / "billsync.yaml").write_text(
        f"firm: {{name: Firm, zone: America/New_York, currency: USD}}\nclients: [{{id: acme, name: Acme}}]\n{text}",
        encoding="utf-8",
    )
    config = load(tmp_path / "billsync.yaml", environ={})
    resolve(config)
    plugins = Plugins(environ={})
    [account] = config.accounts.values()
    assert account.role in ROLES
    connector = getattr(plugins, account.role)(account.kind)
    secrets = {name for name in connector.options_class.secret_fields() if name in account.options}
    for name in secrets:
        assert account.options[name] == f"keyring:billsync/{account.name}.{name}", "as `billsync auth set` stores it"
    options = build_options(account, connector.options_class, lambda reference, where: f"made up for {reference}")
    assert {f"made up for {account.options[name]}" for name in secrets} <= set(options.secrets())


def test_the_example_of_column_mapping_is_one():
    [text] = re.findall(r"^```yaml\n(.*?)^```$", read(DOCS / "connectors" / "columns.md"), re.MULTILINE | re.DOTALL)
    mapping = Columns.model_validate(yaml.safe_load(text))
    assert mapping.columns and mapping.values
    Mapper("milestone", mapping)


# Exit codes and hooks


def test_every_exit_code_is_documented():
    table = dict(re.findall(r"^\| (\d) \| (.+) \|$", read(DOCS / "concepts.md"), re.MULTILINE))
    raised = {
        one.exit_code
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.BillsyncError)
    }
    answered = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert {int(code) for code in table} == raised | answered | {4}
    epilog = " ".join(str(app.info.epilog).split())
    assert all(re.search(rf"\b{code} \w", epilog) for code in table), "`billsync --help` names every code"


def test_every_hook_is_documented_with_its_arguments():
    text = read(DOCS / "hooks.md")
    specified = {name for name in vars(hooks) if name.startswith("billsync_")}
    assert specified == set(hooks.HOOKS), "HOOKS names every hook"
    for name in specified:
        assert f"## {name}\n\n    {signature(getattr(hooks, name))}\n" in text


# Links


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page make, as GitHub does."""
    prose = re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", read(page), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists() and there.is_relative_to(ROOT), f"{name_of(page)} links to {link}, which is not there"
        assert not anchor or anchor in anchors(there), f"{name_of(page)} links to {link}: no such heading"


def test_every_page_can_be_reached_from_the_readme():
    reached, ahead = set[Path](), [README]
    while ahead:
        page = ahead.pop()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([^)#\s]+\.md)", read(page))
            ahead += [(page.parent / link).resolve() for link in links if not link.startswith("http")]
    lost = [name_of(page) for page in PAGES if page not in reached]
    assert lost == [], f"no link leads to {', '.join(lost)}: add one to README.md, or to a page that it leads to"
