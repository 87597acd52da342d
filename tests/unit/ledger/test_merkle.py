"""The tree against a second, naive reading of RFC 6962, and proofs against a prover who lies."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billsync.ledger import merkle


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, over the leaves' data."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + naive_root(leaves[:half]) + naive_root(leaves[half:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    if index < half:
        return [*naive_path(index, leaves[:half]), naive_root(leaves[half:])]
    return [*naive_path(index - half, leaves[half:]), naive_root(leaves[:half])]


def perfect_over(leaves: list[bytes]) -> merkle.Perfect:
    return lambda level, place: naive_root(leaves[place << level : (place + 1) << level])


SIZES = st.integers(1, 70)


def some(count: int) -> list[bytes]:
    return [f"row {number}".encode() for number in range(count)]


@given(st.integers(0, 70))
def test_the_root_is_that_of_the_standard(count):
    leaves, growing = some(count), merkle.Growing()
    for leaf in leaves:
        growing.add(merkle.leaf_hash(leaf))
    assert merkle.root(count, perfect_over(leaves)) == naive_root(leaves), "by subtrees"
    assert growing.root() == naive_root(leaves), "row by row"


@given(SIZES, st.data())
def test_a_row_is_proved_to_be_in_the_tree(count, data):
    leaves, index = some(count), data.draw(st.integers(0, count - 1))
    path = merkle.inclusion(index, count, perfect_over(leaves))
    assert path == naive_path(index, leaves)
    assert merkle.root_from_inclusion(merkle.leaf_hash(leaves[index]), index, count, path) == naive_root(leaves)


@given(SIZES, st.data())
def test_a_tree_is_proved_to_continue_an_older_one(count, data):
    leaves, old = some(count), data.draw(st.integers(1, count))
    path = merkle.consistency(old, count, perfect_over(leaves))
    before, after = merkle.roots_from_consistency(old, count, naive_root(leaves[:old]), path)
    assert (before, after) == (naive_root(leaves[:old]), naive_root(leaves))


def leads_to(root: bytes, leaf: bytes, index: int, size: int, path: list[bytes]) -> bool:
    try:
        return merkle.root_from_inclusion(leaf, index, size, path) == root
    except ValueError:
        return False


@given(SIZES, st.data())
def test_a_lie_about_inclusion_leads_to_another_root(count, data):
    leaves, index = some(count), data.draw(st.integers(0, count - 1))
    root, path = naive_root(leaves), merkle.inclusion(index, count, perfect_over(leaves))
    leaf = merkle.leaf_hash(leaves[index])
    other = data.draw(st.integers(0, count - 1).filter(lambda number: number != index)) if count > 1 else index + 1
    lies = [
        (merkle.leaf_hash(b"another row"), index, count, path),
        (leaf, other, count, path),
        (leaf, index, count, [*path, bytes(32)]),
        *((leaf, index, count, [*path[:at], bytes(32), *path[at + 1 :]]) for at in range(len(path))),
        *((leaf, index, count, path[:at]) for at in range(len(path))),
    ]
    for lie in lies:
        assert not leads_to(root, *lie), f"a false proof was believed: {lie}"


@given(SIZES, st.data())
def test_a_rewritten_history_has_no_consistency_proof(count, data):
    assume(count > 1)
    leaves, old = some(count), data.draw(st.integers(1, count - 1))
    rewritten = [b"forged", *leaves[1:]]
    path = merkle.consistency(old, count, perfect_over(rewritten))
    before, after = merkle.roots_from_consistency(old, count, naive_root(leaves[:old]), path)
    assert (before, after) != (naive_root(leaves[:old]), naive_root(rewritten)), (
        "the forged tree passed as a continuation"
    )


@pytest.mark.parametrize("old, new", [(0, 3), (4, 3), (-1, 1)])
def test_nothing_is_proved_of_trees_that_cannot_be(old, new):
    with pytest.raises(ValueError, match="cannot continue"):
        merkle.consistency(old, new, perfect_over(some(3)))
    with pytest.raises(ValueError, match="cannot continue"):
        merkle.roots_from_consistency(old, new, bytes(32), [])
    with pytest.raises(ValueError, match="not among"):
        merkle.inclusion(3, 3, perfect_over(some(3)))
