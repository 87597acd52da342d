"""RFC 6962 hashing: a tree over rows that only grows, its root, and proofs that a row is in it and that it only grew.

Pure: the hashes of perfect subtrees come from a function `perfect(level, place)`, level 0 being the leaves. The
verifying half needs no ledger at all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from hashlib import sha256

Perfect = Callable[[int, int], bytes]
"""Hash of the perfect subtree of 2**level leaves that starts at leaf place * 2**level."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf; the prefix keeps a leaf from ever passing for a node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def root(size: int, perfect: Perfect) -> bytes:
    """Root of the first `size` leaves."""
    return subtree(0, size, perfect) if size else sha256(b"").digest()


def subtree(start: int, count: int, perfect: Perfect) -> bytes:
    """Root of `count` leaves from `start` on, where `start` is where RFC 6962 would split."""
    if count & (count - 1) == 0:
        return perfect(count.bit_length() - 1, start // count)
    left = split(count)
    return node_hash(subtree(start, left, perfect), subtree(start + left, count - left, perfect))


def split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def inclusion(index: int, size: int, perfect: Perfect, start: int = 0) -> list[bytes]:
    """The path from leaf `index` up to the root of `size` leaves."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not among {size}")
    if size == 1:
        return []
    left = split(size)
    if index < left:
        return [*inclusion(index, left, perfect, start), subtree(start + left, size - left, perfect)]
    return [*inclusion(index - left, size - left, perfect, start + left), subtree(start, left, perfect)]


def consistency(old: int, new: int, perfect: Perfect) -> list[bytes]:
    """Proof that the first `old` of `new` leaves are what the tree of `old` leaves was."""
    if not 0 < old <= new:
        raise ValueError(f"a tree of {new} leaves cannot continue one of {old}")
    return _consistency(old, 0, new, perfect, whole=True)


def _consistency(old: int, start: int, count: int, perfect: Perfect, *, whole: bool) -> list[bytes]:
    if old == count:
        return [] if whole else [subtree(start, count, perfect)]
    left = split(count)
    if old <= left:
        return [*_consistency(old, start, left, perfect, whole=whole), subtree(start + left, count - left, perfect)]
    right = _consistency(old - left, start + left, count - left, perfect, whole=False)
    return [*right, subtree(start, left, perfect)]


def shared(known: Sequence[int], old: int, size: int, perfect: Perfect, start: int = 0) -> list[bytes]:
    """One proof of many things: the fewest hashes, from left to right, from which whoever has the leaves `known`
    (ascending) works out the root of `size` leaves, and the root of the first `old` of them (0 or `size`: no other).

    The audit paths of all leaves and the consistency proof, without what they have in common.
    """
    among = bisect_left(known, start) < bisect_left(known, start + size)
    if not among and not start < old < start + size:
        return [subtree(start, size, perfect)]
    if size == 1:
        return []
    left = split(size)
    return [*shared(known, old, left, perfect, start), *shared(known, old, size - left, perfect, start + left)]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that this path leads to; ValueError when the path has not the length that index and size demand."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not among {size}")
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if at % 2 or at == last:
            found = node_hash(sibling, found)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            found = node_hash(found, sibling)
        at, last = at // 2, last // 2
    if last:
        raise ValueError("the path is too short")
    return found


def roots_from_consistency(old: int, new: int, old_root: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots that the proof leads to: equal to the known ones only if the new tree continues the old one."""
    if not 0 < old <= new:
        raise ValueError(f"a tree of {new} leaves cannot continue one of {old}")
    if old == new:
        if path:
            raise ValueError("the proof is too long")
        return old_root, old_root
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        raise ValueError("the proof is too short")
    at, last = old - 1, new - 1
    while at % 2:
        at, last = at // 2, last // 2
    before = after = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            raise ValueError("the proof is too long")
        if at % 2 or at == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            after = node_hash(after, sibling)
        at, last = at // 2, last // 2
    if last:
        raise ValueError("the proof is too short")
    return before, after


class Growing:
    """The root of a stream of leaves, in memory of the logarithm of their number."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf: bytes) -> list[bytes]:
        """Take the next leaf's hash; returns the perfect subtrees that it completes, from level 1 up."""
        level, node = 0, leaf
        made: list[bytes] = []
        while self._peaks and self._peaks[-1][0] == level:
            node = node_hash(self._peaks.pop()[1], node)
            level += 1
            made.append(node)
        self._peaks.append((level, node))
        self.size += 1
        return made

    def root(self) -> bytes:
        """The root of what was taken so far."""
        if not self._peaks:
            return sha256(b"").digest()
        found = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            found = node_hash(peak, found)
        return found
