"""Where the configuration is found, what its paths mean, and how contract files and exchange rates are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from billsync.config import load
from billsync.config.paths import config_folder
from billsync.model.errors import UsageError
from tests.unit.config.firm import FIRM, config, mistake, terms


def firm_file(path: Path, name: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"firm: {{name: {name}}}\n", encoding="utf-8")
    return path


def test_the_path_then_the_variable_then_the_folder_then_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billsync.config.paths.config_folder", lambda: tmp_path / "platform")
    monkeypatch.chdir(tmp_path)
    firm_file(tmp_path / "platform" / "billsync.yaml", "platform")
    assert load(environ={}).firm.name == "platform"
    firm_file(tmp_path / "billsync.yaml", "folder")
    assert load(environ={}).firm.name == "folder"
    variable = {"BILLSYNC_CONFIG": str(firm_file(tmp_path / "v" / "other.yaml", "variable"))}
    assert load(environ=variable).firm.name == "variable"
    assert load(firm_file(tmp_path / "told.yaml", "told"), environ=variable).firm.name == "told"
    assert load(environ={"BILLSYNC_CONFIG": ""}).firm.name == "folder", "an empty variable says nothing"


def test_the_platforms_folder_is_the_programs_own() -> None:
    assert config_folder().name == "billsync"


def test_a_configuration_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("billsync.config.paths.config_folder", lambda: tmp_path / "platform")
    for path, environ, what, where in [
        (None, {}, "no configuration was found", "platform"),
        (Path("x.yaml"), {}, "there is no such configuration file", "x.yaml"),
        (None, {"BILLSYNC_CONFIG": "y.yaml"}, "there is no such configuration file", "y.yaml (from BILLSYNC_CONFIG)"),
    ]:
        with pytest.raises(UsageError) as caught:
            load(path, environ=environ)
        assert what in caught.value.what
        assert where in caught.value.where
        assert "billsync init" in caught.value.hint


def test_paths_are_relative_to_the_file_and_not_to_the_folder_one_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "firm").mkdir()
    home = tmp_path / "home"
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    path = tmp_path / "firm" / "billsync.yaml"
    path.write_text(
        f"firm: {{name: X}}\nledger: books/x.db\nstate: ~/state\nplugins_dir: '{tmp_path.as_posix()}/p'\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    made = load(Path("firm/billsync.yaml"), environ={})
    assert made.path == path
    assert made.ledger_path == tmp_path / "firm" / "books" / "x.db"
    assert made.state_dir == home / "state"
    assert made.plugins_dir == tmp_path / "p"


def test_what_is_there_when_nothing_is_written(tmp_path: Path) -> None:
    made = config(tmp_path, "firm: {name: X}\n")
    assert (made.ledger_path, made.state_dir) == (tmp_path / "billsync.db", tmp_path / ".billsync")
    assert (made.plugins_dir, made.plugins_allow, made.keyring_backend) == (None, frozenset(), None)
    assert (made.firm.currency, str(made.zone), made.accounts) == ("USD", "UTC", {})


def test_accounts_by_role(tmp_path: Path) -> None:
    made = config(tmp_path, FIRM + "notifications: {team: {kind: smtp}}\n")
    assert [account.name for account in made.sources()] == ["work", "other"]
    assert [account.name for account in made.sinks()] == ["books"]
    assert [account.name for account in made.notifiers()] == ["team"]
    assert made.accounts["work"].where().line == 3


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("id: A\nclient: acme\nprojct: work/P\n", 3, "unknown key 'projct'"),
        ("id: A\nid: B\n", 2, "'id' is written twice"),
        ("contracts: []\nclients: []\n", 2, "unknown key 'clients' in a file of contracts"),
        ("just words\n", 1, "the file holds no contract"),
        ("- 5\n", 1, "must be a mapping"),
        ("id: A\nclient: nobody\nproject: work/P\n", 2, "there is no client 'nobody'"),
    ],
)
def test_mistakes_in_a_contract_file_name_that_file(content: str, line: int, what: str, tmp_path: Path) -> None:
    error = mistake(tmp_path, "contracts_dir: contracts\n", contracts__bad_yaml=content)
    assert what in error.what, str(error)
    assert error.where == f"{tmp_path / 'contracts' / 'bad.yaml'}:{line}"


def test_mistakes_of_several_files_are_told_together(tmp_path: Path) -> None:
    error = mistake(
        tmp_path, "contracts_dir: contracts\nnonsense: 1\n",
        contracts__a_yaml="id: A\nid: B\n", contracts__b_yaml="id: B\nclient: acme\nvalue: x\n",
    )  # fmt: skip
    assert error.what == "3 mistakes in the configuration"
    assert [name in error.where for name in ("a.yaml:2", "b.yaml:3", "billsync.yaml:11")] == [True, True, True]


def test_a_contract_in_two_files_names_both(tmp_path: Path) -> None:
    one = "id: A\nclient: acme\nproject: work/P\n"
    error = mistake(
        tmp_path, "contracts_dir: contracts\n", contracts__a_yaml=one, contracts__b_yaml=one.replace("/P", "/Q")
    )
    assert error.where.endswith("b.yaml:1")
    assert error.hint.endswith("a.yaml:1")


HEAD = "currency,into,date,rate,source\n"


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("currency,into,date,rate\n", 1, "lacks the column 'source'"),
        (HEAD + "EUR,USD,2026-01-01,1.08,ECB\nEUR,USD,2026-01-32,1.08,ECB\n", 3, "no exchange rate"),
        (HEAD + 'EUR,USD,2026-01-01,"1,08",ECB\n', 2, "'1,08' is not a number"),
        (HEAD + "eur,USD,2026-01-01,1.08,ECB\n", 2, "three capital letters"),
        (HEAD + "EUR,USD,2026-01-01,0,ECB\n", 2, "above 0"),
        (HEAD + "EUR,USD,2026-01-01,1.08,\n", 2, "has a source"),
        (HEAD + "EUR,USD\n", 2, "no exchange rate"),
        (HEAD + "EUR,USD,2026-01-01,1.08,ECB\nEUR,USD,2026-01-01,1.09,ECB\n", 3, "two rates from EUR into USD"),
    ],
)
def test_a_broken_row_of_the_exchange_rates_is_named(content: str, line: int, what: str, tmp_path: Path) -> None:
    error = mistake(tmp_path, "exchange_rates: rates.csv\n", rates_csv=content)
    assert what in error.what, str(error)
    assert error.where == f"{tmp_path / 'rates.csv'}:{line}", str(error)


def test_a_file_of_exchange_rates_that_is_not_there_is_named_by_its_key(tmp_path: Path) -> None:
    error = mistake(tmp_path, "exchange_rates: rates.csv\n")
    assert "cannot be read" in error.what
    assert error.where == f"{tmp_path / 'billsync.yaml'}:10"


def test_the_same_exchange_rate_twice_is_one(tmp_path: Path) -> None:
    row = "EUR,USD,2026-01-01,1.08,ECB\n"
    assert len(terms(tmp_path, "exchange_rates: rates.csv\n", rates_csv=HEAD + row + row).exchange_rates) == 1
