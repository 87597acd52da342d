"""The example names every key, loads without a complaint, and its accounts fit their connectors."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billsync.config import Config, Secrets, build_options, load, resolve
from billsync.config.explain import keys_of
from billsync.config.jsonschema import json_schema, sections
from billsync.config.schema import ConfigEntry
from billsync.model.errors import UsageError
from billsync.plugins import Plugins
from tests.unit.config.firm import CARD, FIRM

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = (ROOT / "config.example.yaml").read_text(encoding="utf-8")


@pytest.fixture
def example(tmp_path: Path) -> Config:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "rates.csv").write_text("currency,into,date,rate,source\n", encoding="utf-8")
    path = Path(shutil.copy(ROOT / "config.example.yaml", tmp_path / "billsync.yaml"))
    return load(path, environ={})


def test_the_example_loads_and_contradicts_itself_nowhere(example: Config) -> None:
    made = resolve(example)
    assert {"tower", "ACME-2026-01", "hosting"} <= set(made.contracts)
    assert example.sinks()[0].name == "books"


def test_the_example_names_every_key() -> None:
    written = set(re.findall(r"(?m)(?:^|[\s{\[-])([a-z_]+):", EXAMPLE))
    missing = {f"{section.__name__}.{key}" for section in sections() for key in keys_of(section) if key not in written}
    assert not missing, f"config.example.yaml explains no {', '.join(sorted(missing))}"


def test_every_key_has_a_description() -> None:
    bare = {
        f"{section.__name__}.{name}"
        for section in sections()
        for name, info in section.model_fields.items()
        if not info.description
    }
    assert not bare, f"the JSON Schema says nothing about {', '.join(sorted(bare))}"


def test_the_options_of_the_example_fit_their_connectors(example: Config) -> None:
    plugins = Plugins(allow=frozenset(), folder=None, environ={})
    secrets = Secrets(example, environ={"HARVEST_TOKEN": "made-up"})
    for account in example.sources():
        options = build_options(account, plugins.source(account.kind).options_class, secrets.resolve)
        assert type(options).__name__ != "Options", f"{account.kind} declares options of its own"
    for account in example.sinks():
        build_options(account, plugins.sink(account.kind).options_class, secrets.resolve)


def as_json(text: str) -> object:
    """YAML as an editor sees it: numbers are numbers, dates are text."""

    class Editor(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":timestamp", ":bool"))]
            for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Editor.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))
    return yaml.load(text, Loader=Editor)  # noqa: S506  a SafeLoader without dates


def test_the_json_schema_is_one_and_accepts_what_loads() -> None:
    schema = json_schema()
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for text in (EXAMPLE, FIRM + CARD + "contracts:\n  - {id: 7, client: acme, project: work/P, holdback: 10}\n"):
        errors = [
            f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator(schema).iter_errors(as_json(text))
        ]
        assert not errors, errors


@pytest.mark.parametrize(
    "text",
    [
        "firm: {name: X}\nnonsense: 1\n",
        "firm: {}\n",
        "firm: {name: X}\ncontracts: [{id: A, client: b, holdback: {percnt: 5}}]\n",
        "firm: {name: X}\ncontracts: [{id: A, client: b, currency: usd}]\n",
        "firm: {name: X}\nsinks: {books: {kind: folder, push: everything}}\n",
    ],
)
def test_the_json_schema_refuses_what_does_not_load(text: str) -> None:
    schema = json_schema()
    assert not jsonschema.validators.validator_for(schema)(schema).is_valid(as_json(text))


def test_the_schema_has_the_whole_file_at_its_root() -> None:
    assert set(json_schema()["properties"]) == set(keys_of(ConfigEntry))


LINES = EXAMPLE.splitlines()
JUNK = [
    "",
    "5",
    "-1",
    "1.5",
    "true",
    "x",
    "2026-01-01",
    "[]",
    "{}",
    "[1, 2]",
    "{a: 1}",
    "[{a: 1}]",
    "'",
    "- x",
    "*a",
    "9e9",
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.integers(0, len(LINES) - 1), junk=st.sampled_from(JUNK))
def test_whatever_a_person_types_ends_in_an_error_with_a_place_or_in_terms(
    line: int, junk: str, tmp_path: Path
) -> None:
    """One value of the example replaced by nonsense: never a traceback, never an error without file and line."""
    changed = [*LINES]
    changed[line] = re.sub(r":( .*)?$", f": {junk}", changed[line])
    (tmp_path / "contracts").mkdir(exist_ok=True)
    (tmp_path / "rates.csv").write_text("currency,into,date,rate,source\n", encoding="utf-8")
    path = tmp_path / "billsync.yaml"
    path.write_text("\n".join(changed), encoding="utf-8")
    try:
        assert resolve(load(path, environ={})).contracts is not None
    except UsageError as error:
        assert re.search(r"\.(yaml|csv):\d+", error.where), f"line {line + 1} as {junk!r}: {error}"
