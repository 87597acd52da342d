"""A firm on disk, and its command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.unit.cli.run import billsync


@dataclass(frozen=True)
class FirmOnDisk:
    """The worked example in a folder of its own; every run is a process."""

    folder: Path

    def run(self, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command in the firm's folder."""
        return billsync(*words, cwd=self.folder, **environment)

    def expect(self, code: int, *words: str | Path) -> str:
        """What the command answers, which must end with this exit code."""
        run = self.run(*words)
        assert run.returncode == code, f"{words}: {run.returncode}\n{run.stdout}\n{run.stderr}"
        return run.stdout

    def json(self, code: int, *words: str) -> Any:
        """The answer as JSON."""
        return json.loads(self.expect(code, *words, "--format", "json"))

    def item(self, identity: str) -> list[dict[str, Any]]:
        """An identity's rows in the reconciliation, by bucket."""
        items = json.loads(self.run("reconcile", "--format", "json").stdout)["items"]
        return [item for item in items if item["identity"] == identity]

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a file of the firm."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def new_firm(tmp_path) -> FirmOnDisk:
    """The worked example, never synced."""
    folder = tmp_path / "firm"
    shutil.copytree(ROOT / "examples" / "worked-example", folder)
    return FirmOnDisk(folder)


@pytest.fixture(scope="session")
def synced_once(tmp_path_factory) -> Path:
    """The worked example after its first night, made once for all tests: copy it, don't change it."""
    folder = tmp_path_factory.mktemp("synced") / "firm"
    shutil.copytree(ROOT / "examples" / "worked-example", folder)
    FirmOnDisk(folder).expect(1, "sync")
    return folder


@pytest.fixture
def firm(tmp_path, synced_once) -> FirmOnDisk:
    """The worked example after its first night."""
    folder = tmp_path / "firm"
    shutil.copytree(synced_once, folder)
    return FirmOnDisk(folder)
