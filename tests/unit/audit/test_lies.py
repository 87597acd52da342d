"""A prover who lies.

Whatever he changes, the checker must say no, or say nothing that the honest proof does not say.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from billsync.ledger import certificate
from tests.unit.audit.conftest import (
    EVE,
    FIRM,
    TOOL,
    Parts,
    exchange,
    leave_out_row,
    run,
    swap,
    tool,
    verdict,
    why_not,
)


def test_no_flipped_bit_makes_the_proof_say_anything_else(proven):
    for at in range(len(proven.data)):
        for bit in range(8):
            flipped = bytearray(proven.data)
            flipped[at] ^= 1 << bit
            said = verdict(bytes(flipped), FIRM.key, proven.older.note)
            assert said in (None, proven.words), f"bit {bit} of byte {at} made it say: {said}"


def test_a_shorter_or_longer_file_is_no_proof(proven):
    for end in range(len(proven.data)):
        assert verdict(proven.data[:end]) is None, f"the first {end} bytes passed"
    for more in (b"\0", bytes(32), proven.data, proven.data[-32:]):
        assert verdict(proven.data + more) is None, f"{more[:8]!r} behind the end passed"


Lie = Callable[[Parts], object]
LIES: dict[str, Lie] = {
    "a smaller total": lambda it: swap(it, '"amount":20000', '"amount":10000'),
    "another client": lambda it: swap(it, "Acme – Ltd", "Eve Ltd"),
    "another approver": lambda it: swap(it, '"person":"ana"', '"person":"eve"'),
    "another instant": lambda it: swap(it, "2026-03-02T01:", "2026-03-01T01:"),
    "other hours": lambda it: swap(it, '"hours":"2"', '"hours":"9"'),
    "another record": lambda it: swap(it, '["work","time","2"', '["work","time","4"'),
    "spaces in the JSON": lambda it: swap(it, '{"', '{ "'),
    "two rows exchanged": lambda it: exchange(it.lines, 0, 2, 2),
    "two versions exchanged": lambda it: exchange(it.lines, 2 * it.index["rows"], 2 * it.index["rows"] + 2, 2),
    "a row left out": lambda it: leave_out_row(it, 0),
    "a row twice": lambda it: it.lines.__setitem__(slice(2, 2), it.lines[:2]),
    "fewer rows told": lambda it: it.index.update(rows=it.index["rows"] - 1),
    "more rows told": lambda it: it.index.update(rows=it.index["rows"] + 1),
    "a hash left out": lambda it: it.hashes.pop(),
    "the first hash left out": lambda it: it.hashes.pop(0),
    "a hash too many": lambda it: it.hashes.append(bytes(32)),
    "a hash twice": lambda it: it.hashes.insert(3, it.hashes[3]),
    "two hashes exchanged": lambda it: exchange(it.hashes, 1, 4, 1),
    "another older size": lambda it: it.index.update(older=it.index["older"] + 1),
    "a negative older size": lambda it: it.index.update(older=-1),
    "an older size beyond the head": lambda it: it.index.update(older=10**6),
    "places moved": lambda it: it.index["polls"][0][1].__setitem__(0, it.index["polls"][0][1][0] + 1),
    "a place twice": lambda it: it.index["polls"][0][1].append(it.index["polls"][0][1][-1]),
    "a negative place": lambda it: it.index["polls"][0][1].__setitem__(0, -1),
    "a huge place": lambda it: it.index["polls"][0][1].__setitem__(0, 10**30),
    "a poll that is none": lambda it: it.index["polls"][0].__setitem__(0, 4),
    "a poll that is missing": lambda it: it.index["polls"].pop(),
    "a poll without records": lambda it: it.index["polls"].append([it.index["polls"][0][0], []]),
    "a huge count of rows": lambda it: it.index.update(rows=10**30),
    "a row count that is text": lambda it: it.index.update(rows="3"),
    "no head": lambda it: it.index.update(checkpoint=""),
    "a list for the index": lambda it: it.index.clear(),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_not_believed(proven, name):
    parts = deepcopy(Parts.of(proven.data))
    LIES[name](parts)
    assert verdict(parts.packed(), FIRM.key, proven.older.note) is None, f"{name}: believed"
    if parts.index.get("checkpoint"):
        assert verdict(parts.signed_by(EVE).packed()) is None, f"{name}: believed, signed by Eve"


LOOSE = ("a smaller total", "another client", "another approver", "spaces in the JSON")


@pytest.mark.parametrize("name", LOOSE)
def test_a_lie_signed_anew_is_still_not_the_firms(proven, name):
    """The log rebuilt over the lie and signed: by Eve it is not the firm's; by the firm it is not the log once kept."""
    parts = deepcopy(Parts.of(proven.data))
    LIES[name](parts)
    assert verdict(parts.resigned(EVE).packed()) is None, "Eve's signature was taken for the firm's"
    assert verdict(parts.resigned(FIRM).packed(), FIRM.key, proven.older.note) != proven.words
    if name == "another approver":  # the row was written before the older head
        assert "FORKED" in why_not(parts.resigned(FIRM).packed(), FIRM.key, proven.older.note)


def test_a_line_that_is_not_the_sum_of_its_parts_is_not_believed_even_of_the_firm(proven):
    parts = Parts.of(proven.data)
    swap(parts, '"amount":60000', '"amount":10000')
    assert "not the sum of its parts" in why_not(parts.resigned(FIRM).packed())


def test_an_approval_of_something_else_is_not_believed_even_of_the_firm(proven):
    parts = Parts.of(proven.data)
    [draft] = {json.loads(one)["draft"]["hash"] for one in parts.lines if one.startswith('{"draft"')}
    swap(parts, f'"subject":"{draft}"', '"subject":"' + "0" * 64 + '"')
    assert "is not about it" in why_not(parts.resigned(FIRM).packed())


@pytest.mark.parametrize(
    "first",
    [
        '{"older":0,"older":0,',
        '{"rows":3,',
        '{"key":"x",',
        '{"rows":1e400,',
        '{"rows":NaN,',
        '{"polls":[],',
    ],
)
def test_a_name_that_stands_twice_is_refused(proven, first):
    parts = Parts.of(proven.data)
    text = json.dumps(parts.index, ensure_ascii=False)
    assert "a name twice" in why_not(parts.packed(first + text[1:]))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"rows":' + "9" * 5000 + "}", "nul", "", "[]", "7", '"x"', "\ud800"])
def test_nonsense_for_an_index_is_refused(proven, text):
    parts = Parts.of(proven.data)
    packer = zlib.compressobj(9, zdict=certificate.DICTIONARY)
    data = certificate.MAGIC + packer.compress(text.encode("utf-8", "surrogatepass")) + packer.flush()
    assert verdict(data + b"".join(parts.hashes)) is None


def test_a_file_that_unpacks_without_end_is_refused():
    packer = zlib.compressobj(1, zdict=certificate.DICTIONARY)
    bomb = packer.compress(bytes(tool.LARGEST + 1_000_000)) + packer.flush()
    assert "not whole" in why_not(certificate.MAGIC + bomb)


def test_what_the_file_says_cannot_draw_on_the_screen(proven, tmp_path):
    parts = Parts.of(proven.data)
    swap(parts, "Acme – Ltd", "Acme\\u001b[2J\\nPROVEN\\u202e")
    file = tmp_path / "drawn.proof"
    file.write_bytes(parts.resigned(FIRM).packed())
    told = run(file, "--key", FIRM.key)
    assert told.returncode == 0, "signed by the firm, so only the drawing is at stake"
    assert "\x1b" not in told.stdout and "\u202e" not in told.stdout and told.stdout.count("\nPROVEN") == 0
    for wrong in (tmp_path / "none", TOOL):
        refused = run(wrong, "--key", FIRM.key)
        assert refused.returncode == 1 and refused.stderr.startswith("NOT PROVEN: "), refused.stderr
        assert "Traceback" not in refused.stderr


CHANGES = st.sampled_from(["index", "line", "hash", "drop", "double", "exchange", "number"])


@settings(max_examples=300)
@given(st.lists(CHANGES, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_no_random_lie_is_believed(proven, changes, chance):
    parts = deepcopy(Parts.of(proven.data))
    for change in changes:
        lie_at_random(parts, change, chance)
    said = verdict(parts.packed(), FIRM.key, proven.older.note)
    assert said is None or set(said) <= set(proven.words), f"{changes} made it say {set(said) - set(proven.words)}"


def lie_at_random(parts: Parts, change: str, chance: random.Random) -> None:
    """Alter one place of a proof."""
    items: list[Any] = chance.choice([parts.lines, parts.hashes])
    assume(items)
    at = chance.randrange(len(items))
    if change == "index":
        parts.index[chance.choice(sorted(parts.index))] = chance.choice([0, 1, -1, 2**70, "", [], None, 1.5, True])
    elif change == "line":
        text = parts.lines[at % len(parts.lines)]
        spot = chance.randrange(len(text))
        parts.lines[at % len(parts.lines)] = text[:spot] + chance.choice('0a"{}[],:') + text[spot + 1 :]
    elif change == "hash":
        parts.hashes[at % len(parts.hashes)] = sha256(bytes([at % 256])).digest()
    elif change == "drop":
        del items[at]
    elif change == "double":
        items.insert(at, items[at])
    elif change == "exchange":
        exchange(items, at, chance.randrange(len(items)), 1)
    else:
        polls: Any = parts.index.get("polls")
        assume(isinstance(polls, list) and polls)
        poll = chance.choice(polls)
        if chance.random() < 0.5:
            poll[0] = chance.randrange(40)
        else:
            poll[1] = [chance.randrange(6) for _ in poll[1]]
