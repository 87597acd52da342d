"""What the tests of proofs share: a proven ledger, the checker as auditors get it, and proofs taken apart."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zlib
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from billsync.ledger import certificate, merkle
from billsync.ledger.checkpoint import Checkpoint, Signer, read_heads
from tests.conftest import ROOT
from tests.unit.ledger.conftest import (
    World,
    bill,
    draft_of,
    entry,
    invoice,
    ledger,
    line,
    milestone,
    observe,
    part,
    time_part,
    world,
)  # fmt: skip

__all__ = ["ledger", "world"]  # their fixtures, for the tests of this folder

TOOL = ROOT / "tools" / "verify_proof.py"
MALFORMED = (AttributeError, LookupError, RuntimeError, TypeError, ValueError, zlib.error)
"""What the checker itself calls malformed; anything else would be a traceback before an auditor's eyes."""


def load() -> Any:
    spec = importlib.util.spec_from_file_location("verify_proof", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load()
FIRM = Signer("ledger-0", bytes(range(32)))
EVE = Signer("ledger-0", b"e" * 32)
WORK = [entry(str(number)) for number in range(5)]


@dataclass(frozen=True)
class Proven:
    """A ledger's proof of BS-1, the head noted half way, and what the checker says of the proof."""

    path: Path
    data: bytes
    older: Checkpoint
    words: tuple[str, ...]


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Proven:
    world = World(tmp_path_factory.mktemp("proven") / "billsync.db")
    document = invoice("BS-1", line("time", *(time_part(one, 20000) for one in WORK[1:4])), client_name="Acme – Ltd")
    with world.open() as ledger:
        observe(ledger, world.clock, *WORK[:3])
        observe(ledger, world.clock, *WORK, full=False)
        observe(ledger, world.clock, milestone("m"), kind="milestone")
        ledger.decide("approve", draft_of(document).hash, person="ana", reason="as agreed", at=world.clock())
        older = ledger.head(FIRM, world.clock())
        ledger.decide("hold", "time/work/9", person="bob", reason="another client's secret", at=world.clock())
        other = invoice("BS-2", line("milestone", part("C-2/line/sd", 900)), client_name="Secretive Inc")
        bill(ledger, world.clock, other)
        bill(ledger, world.clock, document)
        for number in range(7):
            ledger.decide("hold", f"time/work/{number}", person="ana", reason="why", at=world.clock())
        data = ledger.prove("BS-1", FIRM, world.clock(), older)
    return Proven(world.path, data, older, tuple(tool.check(data, FIRM.key, older.note)))


def verdict(data: bytes, key: str | None = FIRM.key, kept: str = "") -> tuple[str, ...] | None:
    """What the checker takes for proven; None where it says no."""
    try:
        return tuple(tool.check(data, key, kept))
    except (SystemExit, *MALFORMED):
        return None


def why_not(data: bytes, key: str | None = FIRM.key, kept: str = "") -> str:
    """The reason in the checker's words."""
    with pytest.raises(SystemExit) as caught:
        tuple(tool.check(data, key, kept))
    return str(caught.value)


@dataclass
class Parts:
    """A proof taken apart, for lying."""

    index: dict[str, Any]
    lines: list[str]
    hashes: list[bytes]

    @classmethod
    def of(cls, data: bytes) -> Parts:
        unpacker = zlib.decompressobj(zdict=certificate.DICTIONARY)
        first, *lines = unpacker.decompress(data[len(certificate.MAGIC) :]).decode().split("\n")
        tail = unpacker.unused_data
        return cls(json.loads(first), lines, [tail[at : at + 32] for at in range(0, len(tail), 32)])

    def packed(self, first: str | None = None) -> bytes:
        text = "\n".join([json.dumps(self.index, ensure_ascii=False) if first is None else first, *self.lines])
        packer = zlib.compressobj(9, zdict=certificate.DICTIONARY)
        return certificate.MAGIC + packer.compress(text.encode()) + packer.flush() + b"".join(self.hashes)

    def signed_by(self, signer: Signer, **more: Any) -> Parts:
        """The same head, or one of another size or root, signed by somebody."""
        [head] = read_heads(self.index["checkpoint"], where="the proof")
        made = signer.sign(more.get("size", head.size), more.get("root", head.root), NOON)
        return replace(self, index=self.index | {"checkpoint": made.note, "key": signer.key})

    def resigned(self, signer: Signer) -> Parts:
        """Signed anew with whatever root its content leads to: the best that a liar with a key can do."""
        hashes = iter(self.hashes)
        made, known, last = b"", [], -1
        for at in range(0, 2 * self.index["rows"], 2):
            seq = json.loads(self.lines[at])[0]
            text = f"{self.lines[at]}\n{self.lines[at + 1]}".encode()
            made = sha256((made if seq == last + 1 else next(hashes)) + text).digest()
            known.append((seq - 1, merkle.leaf_hash(made)))
            last = seq
        [head] = read_heads(self.index["checkpoint"], where="the proof")
        root, _ = tool.roots(0, head.size, known, self.index["older"], hashes)
        return self.signed_by(signer, root=root)


NOON = World(Path()).clock()


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """As an auditor: a bare Python, which could not import billsync if it wanted to."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "-X", "utf8", TOOL, *words], capture_output=True, encoding="utf-8", check=False
    )


def swap(parts: Parts, old: str, new: str) -> None:
    assert any(old in one for one in parts.lines), f"{old} is nowhere in the proof"
    parts.lines = [one.replace(old, new) for one in parts.lines]


def exchange(items: list[Any], one: int, other: int, count: int) -> None:
    items[one : one + count], items[other : other + count] = items[other : other + count], items[one : one + count]


def leave_out_row(parts: Parts, at: int) -> None:
    del parts.lines[2 * at : 2 * at + 2]
    parts.index["rows"] -= 1


def flip(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "little") ^ 1 << bit).to_bytes(len(data), "little")
