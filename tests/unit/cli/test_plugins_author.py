"""An author's first hour: `plugins new` writes what passes `plugins test` unedited, and what is broken is told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from billsync.cli import main
from tests.conftest import ROOT
from tests.unit.cli.run import billsync

ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""What pytest itself offers to start faster: plugins that happen to be installed here stay out."""
ROLES = {"source": [], "sink": ["--sink"]}


def kit(*words: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return billsync("plugins", "test", *words, cwd=cwd, **ALONE, **environment)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A folder with a space in its name, with a new source and a new sink; nothing of it is edited."""
    folder = tmp_path_factory.mktemp("an author") / "my connectors"
    for role, words in ROLES.items():
        assert main(["plugins", "new", f"acme_{role}", *words, "--dir", str(folder)]) == 0
    return folder


@pytest.fixture
def source(tmp_path) -> Path:
    """A new source, to be broken."""
    assert main(["plugins", "new", "acme", "--dir", str(tmp_path / "made")]) == 0
    return tmp_path / "made" / "acme.py"


@pytest.fixture
def quick(source) -> Path:
    """The same, with only the part of the kit that sources and sinks share."""
    test = source.parent / "tests" / "test_acme.py"
    edit(test, "SourceContract", "AccountContract")
    edit(test, "    source = Acme\n", "    def connector(self):\n        return Acme\n\n")
    return source


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


# What is written


def test_a_connector_its_test_and_its_page_are_written_and_named(tmp_path):
    run = billsync("plugins", "new", "acme", cwd=tmp_path)
    assert files(tmp_path) == {
        "connectors/acme.py",
        "connectors/acme.md",
        "connectors/tests/test_acme.py",
        "connectors/tests/conftest.py",
    }
    for name in files(tmp_path):
        assert str(Path(name)) in run.stdout, f"{name} was written and not named"
    following = [line.strip() for line in run.stdout.splitlines() if "billsync " in line]
    assert [line.partition("billsync ")[2].split()[:2] for line in following] == [
        ["plugins", "test"],
        ["plugins", "show"],
        ["check"],
    ]


@pytest.mark.parametrize("role", ROLES)
def test_what_is_written_passes_the_kit_unedited_from_any_folder(written, role, tmp_path):
    before = files(written)
    run = kit(written / f"acme_{role}.py", "--format", "json", cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    [connector] = json.loads(run.stdout)["connectors"]
    assert (connector["kind"], connector["role"]) == (f"acme_{role}", role)
    assert len(connector["tests"]) > 25 and {test["whose"] for test in connector["tests"]} == {"kit"}
    assert files(written) == before, "the run left something in the author's folder"
    assert files(tmp_path) == set(), "the run left something in the working directory"


def test_the_conftest_lets_plain_pytest_find_the_connector(quick):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "made"],
        cwd=quick.parent.parent,
        env=os.environ | ALONE | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:]


def test_what_is_written_suits_the_linter(written):
    ruff = Path(sys.executable).with_name("ruff")
    for words in (["check"], ["format", "--check"]):
        command = [ruff, *words, "--no-cache", "--config", ROOT / "pyproject.toml", written]
        run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        assert run.returncode == 0, run.stdout + run.stderr


def test_what_is_written_suits_the_strict_type_checker(written, tmp_path):
    command: list[str | Path] = [sys.executable, "-m", "mypy", "--strict", "--config-file", ROOT / "pyproject.toml"]
    command += ["--cache-dir", ROOT / ".mypy_cache", *sorted(written.glob("*.py"))]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_page_is_that_of_the_class(written):
    run = billsync("plugins", "show", "acme_sink.py", "--format", "markdown", cwd=written)
    assert run.stdout == (written / "acme_sink.md").read_text(encoding="utf-8")


def test_a_firm_that_has_a_folder_of_plugins_gets_it_there_and_can_use_it(firm):
    firm.edit("billsync.yaml", "firm:", "plugins_dir: own\nfirm:")
    firm.expect(0, "plugins", "new", "acme")
    assert (firm.folder / "own" / "tests" / "test_acme.py").is_file()
    listed = firm.json(0, "plugins", "list")
    assert [(row["role"], row["distribution"]) for row in listed if row["kind"] == "acme"] == [("source", "acme.py")]
    assert "made-up" not in firm.expect(0, "plugins", "show", "acme")


# What is refused


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("Acme", "no name for a kind"),
        ("acme-time", "no name for a kind"),
        ("2fast", "no name for a kind"),
        ("../acme", "no name for a kind"),
        ("a" * 33, "no name for a kind"),
        ("class", "a word of Python's own"),
        ("conftest", "pytest would take"),
        ("test_acme", "pytest would take"),
        ("source", "would hide billsync's own"),
        ("fake_tracker", "would hide billsync's own"),
        ("harvest", "there is a connector 'harvest' already"),
        ("csv", "there is a Python module 'csv' already"),
        ("billsync", "there is a Python module 'billsync' already"),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path, capsys, kind, told):
    assert main(["plugins", "new", kind, "--dir", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert told in said.err and len(said.err.splitlines()) <= 3 and said.out == ""
    assert list(tmp_path.iterdir()) == [], "something was written all the same"


@pytest.mark.parametrize("name", ["acme.py", "tests/test_acme.py", "acme.md"])
def test_no_file_is_replaced(tmp_path, capsys, name):
    there = tmp_path / "connectors" / name
    there.parent.mkdir(parents=True)
    there.write_text("mine\n", encoding="utf-8")
    assert main(["plugins", "new", "acme", "--dir", str(tmp_path / "connectors")]) == 2
    said = capsys.readouterr().err
    assert "the file is there already" in said and there.name in said
    assert files(tmp_path) == {f"connectors/{name}"} and there.read_text(encoding="utf-8") == "mine\n"


def test_an_authors_own_conftest_stays(tmp_path, capsys):
    own = tmp_path / "connectors" / "tests" / "conftest.py"
    own.parent.mkdir(parents=True)
    own.write_text("# mine\n", encoding="utf-8")
    assert main(["plugins", "new", "acme", "--dir", str(tmp_path / "connectors")]) == 0
    assert "conftest.py" not in capsys.readouterr().out, "only what was written is named"
    assert own.read_text(encoding="utf-8") == "# mine\n"


# What the kit finds


def test_a_connector_that_does_not_ask_fails_with_the_reason(quick):
    edit(quick, 'Row(self.http.get("/me"), "account").text("company")', '"Example Inc"')
    run = kit(quick)
    assert run.returncode == 1, run.stdout
    lines = run.stdout.splitlines()
    [row] = [line for line in lines if line.startswith("a refusal is raised with its class  ")]
    assert row.split()[-3:] == ["4", "FAILED", "4"]
    assert "a refusal is raised with its class [403]" in lines
    assert any("Denied was due, but the call answered" in line for line in lines), run.stdout
    assert any(line.startswith("acme does not keep the contract: ") for line in lines)
    assert "Traceback" not in run.stdout and "--traceback" in lines[-1]
    traced = kit(quick, "--traceback").stdout
    assert "opened.check" in traced and "--traceback" not in traced


def test_the_kit_tells_whose_each_test_is_and_skips_nothing(quick):
    test = quick.parent / "tests" / "test_acme.py"
    added = """
    def test_many_at_once_renew_once(self):
        assert True

    def test_mine(self):
        import pytest

        pytest.skip("later")


def test_beside():
    assert 2
"""
    test.write_text(test.read_text(encoding="utf-8") + added, encoding="utf-8")
    run = kit(quick.parent, "--format", "json")
    told = json.loads(run.stdout)
    tests = {one["test"]: one for one in told["connectors"][0]["tests"]}
    assert (tests["test_many_at_once_renew_once"]["whose"], tests["test_mine"]["whose"]) == ("anew", "own")
    assert [one["test"] for one in told["beside"]] == ["test_beside"]
    assert tests["test_mine"]["outcome"] == "skipped"
    assert run.returncode == 1, "a test that was skipped proves nothing"


def test_neither_settings_of_folders_above_nor_a_conftest_are_needed(quick):
    (quick.parent.parent / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    (quick.parent / "tests" / "conftest.py").unlink()
    run = kit(quick, PYTEST_ADDOPTS="--nor-this")
    assert run.returncode == 0, run.stderr


# Where there is nothing to run


def refused(*words: str | Path, cwd: Path) -> list[str]:
    run = kit(*words, cwd=cwd)
    assert run.returncode == 2 and run.stdout == "", run.stdout + run.stderr
    lines = run.stderr.splitlines()
    assert len(lines) == 3, run.stderr
    return lines


def test_a_path_that_is_not_there(tmp_path):
    assert "no such file or folder" in refused("acme.py", cwd=tmp_path)[0]


def test_a_connector_without_a_test(source):
    (source.parent / "tests" / "test_acme.py").unlink()
    lines = refused(source, cwd=source.parent)
    assert "test_acme.py" in lines[0] and "plugins new" in lines[2]


def test_a_folder_without_a_test_of_the_kit(tmp_path):
    (tmp_path / "test_sums.py").write_text("def test_sums():\n    assert 1 + 1 == 2\n", encoding="utf-8")
    lines = refused(".", cwd=tmp_path)
    assert "no test of the contract kit" in lines[0] and "SourceContract" in lines[2]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("typing import Any", "typing import Anything", "ImportError: cannot import name 'Anything'"),
        ("class Acme(", "clas Acme(", "SyntaxError: invalid syntax"),
        ('title = "Acme"', "title = nothing", "NameError: name 'nothing' is not defined"),
    ],
)
def test_what_cannot_be_imported_is_told_with_its_place(source, old, new, told):
    edit(source, old, new)
    text = source.read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index(new)) + 1
    lines = refused(source, cwd=source.parent)
    assert told in lines[0] and lines[1].strip().endswith(f"acme.py:{line}")


@pytest.mark.parametrize(
    ("conftest", "told"),
    [
        ("import nothing_of_this_name\n", "pytest could not start: ModuleNotFoundError"),
        ("raise SystemExit('enough')\n", "end the program while they are imported: enough"),
    ],
)
def test_a_conftest_that_is_wrong_is_told(quick, conftest, told):
    (quick.parent / "tests" / "conftest.py").write_text(conftest, encoding="utf-8")
    run = kit(quick)
    assert run.returncode == 2 and told in run.stderr and len(run.stderr.splitlines()) <= 3, run.stderr


def test_a_connector_in_a_package_of_its_own_is_found(quick, tmp_path):
    package, tests = tmp_path / "dist" / "src" / "acme_billsync", tmp_path / "dist" / "tests"
    package.mkdir(parents=True)
    tests.mkdir()
    (tmp_path / "dist" / "pyproject.toml").write_text("", encoding="utf-8")
    quick.rename(package / "acme.py")
    test = (quick.parent / "tests" / "test_acme.py").rename(tests / "test_acme.py")
    edit(test, "from acme import", "from acme_billsync.acme import")
    run = kit(package / "acme.py")
    assert run.returncode == 0, run.stdout + run.stderr


def test_without_pytest_it_says_how_to_install_it(source):
    code = "import sys; sys.modules['pytest'] = None; from billsync.cli import main; sys.exit(main(sys.argv[1:]))"
    run = subprocess.run(
        [sys.executable, "-c", code, "plugins", "test", str(source)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 2 and "pytest, which is not installed" in run.stderr
    assert "pip install pytest" in run.stderr.splitlines()[2]


def test_the_kit_is_imported_without_pytest():
    code = "import sys, billsync.testing as kit; print(*(n for n in sys.modules if 'pytest' in n)); print(*kit.__all__)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True
    )
    loaded, names = run.stdout.splitlines()
    assert loaded == "", f"billsync.testing imports {loaded}"
    fakes = {
        name
        for path in (ROOT / "billsync" / "testing").glob("*.py")
        for name in re.findall(r"^class (Fake\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    own = {"FakeFolder"}  # billsync's own books: no author's connector is like it
    assert fakes - own <= set(names.split()), f"not exported: {fakes - own - set(names.split())}"
