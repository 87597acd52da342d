"""The house itself: what the wheel holds, what the locks pin, who imports whom, what no file may say."""

from __future__ import annotations

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

LOCKS = ("requirements/run.txt", "requirements/dev.txt")
HOME = Path.home()  # read before the tests get one of their own


def python(*arguments: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter; CI is unset unless given."""
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=inherited | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# The wheel


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    built = python("-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_brings_two_packages_and_nothing_else(wheel_names):
    tops = {name.split("/")[0] for name in wheel_names}
    packages = {top for top in tops if not top.endswith(".dist-info")}
    assert packages == {"billsync", "billsync_plugins"}, "an installation must not add other top-level names"


def test_every_file_of_the_packages_is_in_the_wheel(wheel_names):
    expected = {
        path.relative_to(source).as_posix()
        for source, package in ((ROOT, "billsync"), (ROOT / "plugins", "billsync_plugins"))
        for path in (source / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert not expected - set(wheel_names), "an ignore rule keeps these out of the wheel"
    assert "billsync/py.typed" in wheel_names, "users of the package would lose its types"


def test_plugins_is_a_source_root_and_no_package():
    assert not (ROOT / "plugins" / "__init__.py").exists(), "a top-level package called 'plugins' would clash"


# The locks


def locked(lock: str) -> dict[str, tuple[Requirement, int]]:
    """Each requirement by its canonical name, with the number of its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found: dict[str, tuple[Requirement, int]] = {}
    for entry in re.sub(r"#.*", "", text).replace("\\\n", " ").splitlines():
        words, *hashes = entry.split("--hash=")
        if words.strip():
            requirement = Requirement(words.strip())
            found[canonicalize_name(requirement.name)] = (requirement, len(hashes))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_and_hashes_each_package(lock):
    entries = locked(lock)
    assert entries, f"{lock} is empty"
    for name, (requirement, hashes) in entries.items():
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), f"{name} is not pinned in {lock}"
        assert hashes, f"{name} has no hash in {lock}"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    told = re.findall(r".*(?:://|--index|--extra-index|--find-links|--trusted-host|\bfile:).*", text)
    assert not told, f"{lock} tells where its maker installs from"


def test_the_run_lock_serves_every_dependency_and_the_build():
    about = project()
    wanted = about["project"]["dependencies"] + about["project"]["optional-dependencies"]["xlsx"]
    wanted += about["dependency-groups"]["build"]
    entries = locked("requirements/run.txt")
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        assert name in entries, f"{name} is not in the lock: run `make lock`"
        version = str(entries[name][0].specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{name} {version} is not what pyproject.toml asks for"


def test_tests_run_on_the_versions_that_users_get():
    run, dev = (locked(lock) for lock in LOCKS)
    for name, (requirement, _) in run.items():
        assert name in dev, f"{name} is missing from the development lock"
        assert dev[name][0].specifier == requirement.specifier, f"{name} differs between the locks"


# Who may import whom; the layers themselves are import-linter's, in pyproject.toml


def test_connectors_import_no_other_connector():
    """Lore that a family of vendors shares sits in a file that starts with an underscore, open to all."""
    graph = grimp.build_graph("billsync_plugins", cache_dir=None)
    connectors = {
        module for module in graph.modules if module.count(".") == 2 and not module.rpartition(".")[2].startswith("_")
    }
    for module in graph.modules:
        foreign = graph.find_modules_directly_imported_by(module) & connectors
        assert not foreign, f"{module} imports another connector"


IMPORT_ALL = """
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"{name} is not part of the run lock", name=name)

sys.meta_path.insert(0, Refuse())
for top in ("billsync", "billsync_plugins"):
    for module in pkgutil.walk_packages(importlib.import_module(top).__path__, top + "."):
        importlib.import_module(module.name)
"""


def test_every_module_imports_with_the_run_lock_alone():
    """Extras and test tools are imported inside the functions that need them, if at all."""
    run = locked("requirements/run.txt")
    refused = {
        top
        for top, distributions in packages_distributions().items()
        if not top.startswith("billsync") and not any(canonicalize_name(name) in run for name in distributions)
    }
    assert "pytest" in refused, "the test would refuse nothing"
    done = python("-c", f"REFUSED = {refused!r}\n{IMPORT_ALL}")
    assert done.returncode == 0, done.stderr


def test_version_is_answered_before_the_command_line_is_imported():
    program = "import sys; sys.argv = ['billsync', '--version']\n" + (
        "from billsync.__main__ import main; code = main()\n"
        "sys.exit(code or 'typer' in sys.modules or 'billsync.cli' in sys.modules)"
    )
    run = python("-c", program)
    assert run.returncode == 0, f"--version failed or imported the command line: {run.stderr}"
    version = re.search(r'__version__ = "(.+)"', (ROOT / "billsync/__init__.py").read_text(encoding="utf-8"))
    assert version and run.stdout == f"billsync {version[1]}\n"


# What no file may hold


def test_files_stay_short_enough_to_read():
    def longer_than(limit: int, folder: str) -> dict[str, int]:
        lengths = {
            path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
            for path in modules(folder)
        }
        return {name: lines for name, lines in lengths.items() if lines > limit}

    assert not longer_than(400, "billsync"), "split these along their subjects"
    assert not longer_than(150, "plugins"), "a connector declares; what these do by hand belongs in billsync.http"


def test_nothing_near_money_makes_or_rounds_a_float():
    found = []
    for path in modules("billsync/model", "billsync/rules", "billsync/ledger", "plugins"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"float", "round"}:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.func.id}()")
    assert not found, "money is integer minor units, quantities are Decimal from text"


def test_no_file_tells_of_the_machine_it_was_written_on():
    git = shutil.which("git")
    assert git, "this test asks git which files the project has"
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    private = [str(place) for place in (ROOT, ROOT.parent / "shared", HOME) if len(place.parts) > 1]
    pattern = re.compile("|".join(rf"(?<![\w/.]){re.escape(place)}(?![\w-])" for place in private).encode())
    telling = [
        name.decode()
        for name in listed.split(b"\0")
        if name and (ROOT / name.decode()).is_file() and pattern.search((ROOT / name.decode()).read_bytes())
    ]
    assert not telling, "these files hold paths of this machine"


# The guards of conftest.py


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_the_guard_refuses_an_address_beyond_this_machine(address):
    with pytest.raises(pytest.fail.Exception, match="loopback"):
        socket.create_connection((address, 80), timeout=1)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
        with pytest.raises(pytest.fail.Exception, match="loopback"):
            datagrams.sendto(b"hello", (address, 9))
        with pytest.raises(pytest.fail.Exception, match="loopback"):
            datagrams.connect((address, 9))


def test_the_guard_refuses_to_look_up_a_name():
    with pytest.raises(pytest.fail.Exception, match=r"vendor\.example"):
        socket.getaddrinfo("vendor.example", 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_guard_lets_loopback_through(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection((host, server.getsockname()[1]), timeout=10) as client:
            assert client.getpeername()[0] == "127.0.0.1"


SKIPPERS = {
    "in a test": "import pytest\ndef test_it():\n    pytest.skip('no time')\n",
    "of a module": "import pytest\npytest.skip('no time', allow_module_level=True)\n",
    "for want of contracts": "def test_it(contracts):\n    assert contracts\n",
}


def run_alone(folder: Path, body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one test file under a copy of our conftest.py, in a process and a folder of its own."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_alone.py").write_text(body, encoding="utf-8")
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder)
    return python(*command, cwd=folder, **environment)


@pytest.mark.parametrize("body", SKIPPERS.values(), ids=SKIPPERS.keys())
def test_a_skip_fails_in_ci_only(tmp_path, body):
    nowhere = str(tmp_path / "nowhere")
    at_home = run_alone(tmp_path, body, BILLSYNC_CONTRACTS=nowhere)
    in_ci = run_alone(tmp_path, body, BILLSYNC_CONTRACTS=nowhere, CI="true")
    assert "1 skipped" in at_home.stdout, at_home.stdout
    assert in_ci.returncode != 0 and "everything must run" in in_ci.stdout, in_ci.stdout


def test_contracts_are_found_where_the_variable_points(tmp_path):
    body = f"def test_it(contracts):\n    assert str(contracts) == {str(tmp_path)!r}\n"
    run = run_alone(tmp_path, body, BILLSYNC_CONTRACTS=str(tmp_path), CI="true")
    assert "1 passed" in run.stdout, run.stdout
