"""The checker's own mathematics: the tree of RFC 6962, and Ed25519 of RFC 8032."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from billsync.ledger import merkle
from tests.unit.audit.conftest import (
    flip,
    tool,
)

# The tree


def perfect_over(leaves: list[bytes]) -> merkle.Perfect:
    def node(level: int, place: int) -> bytes:
        if level == 0:
            return merkle.leaf_hash(leaves[place])
        return merkle.node_hash(node(level - 1, 2 * place), node(level - 1, 2 * place + 1))

    return node


SIZES = st.integers(1, 70)


@given(SIZES, st.data())
def test_one_list_of_hashes_leads_from_all_leaves_to_both_roots(size, data):
    leaves = [f"row {number}".encode() for number in range(size)]
    known = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    old = data.draw(st.integers(0, size))
    proof = merkle.shared(known, old, size, perfect_over(leaves))
    given_leaves = [(at, merkle.leaf_hash(leaves[at])) for at in known]
    hashes = iter(proof)
    root, was = tool.roots(0, size, given_leaves, old, hashes)
    assert next(hashes, None) is None, "more hashes than the checker asks for"
    assert root == merkle.root(size, perfect_over(leaves))
    assert was == (merkle.root(old, perfect_over(leaves)) if old else None)
    single = sum(len(merkle.inclusion(at, size, perfect_over(leaves))) for at in known)
    apart = len(merkle.consistency(old, size, perfect_over(leaves))) if old else 0
    assert len(proof) <= single + apart + 1, "together they need no more than apart"


@given(SIZES, st.data())
def test_a_false_hash_or_leaf_leads_to_another_root(size, data):
    leaves = [f"row {number}".encode() for number in range(size)]
    known = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
    proof = merkle.shared(known, 0, size, perfect_over(leaves))
    honest = [(at, merkle.leaf_hash(leaves[at])) for at in known]
    root, _ = tool.roots(0, size, honest, 0, iter(proof))
    at = data.draw(st.integers(0, len(known) - 1))
    forged = [*honest[:at], (honest[at][0], merkle.leaf_hash(b"forged")), *honest[at + 1 :]]
    assert tool.roots(0, size, forged, 0, iter(proof))[0] != root
    for at in range(len(proof)):
        assert tool.roots(0, size, honest, 0, iter([*proof[:at], bytes(32), *proof[at + 1 :]]))[0] != root


def test_an_inner_node_does_not_pass_for_a_leaf():
    """The second preimage that RFC 6962's prefixes are for: a tree of two leaves that are nodes of a tree of four."""
    leaves = [f"row {number}".encode() for number in range(4)]
    perfect = perfect_over(leaves)
    children = [perfect(0, 0) + perfect(0, 1), perfect(0, 2) + perfect(0, 3)]
    assert merkle.root(2, perfect_over(children)) != merkle.root(4, perfect), "a node's content was hashed as a leaf's"
    prefixed = [b"\x01" + child for child in children]
    assert merkle.root(2, perfect_over(prefixed)) != merkle.root(4, perfect)


# The signature


def test_signatures_are_those_of_the_standard():
    """RFC 8032, section 7.1, tests 1 to 3."""
    vectors = [
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
        ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ]  # fmt: skip
    for public, message, signature in vectors:
        assert tool.is_signature(*map(bytes.fromhex, (public, message, signature)))


@settings(max_examples=25)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.integers(0, 511), st.integers(0, 255))
def test_a_signature_holds_for_one_message_and_one_key(seed, message, bit, key_bit):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert tool.is_signature(public, message, signature)
    assert not holds(public, message + b"!", signature)
    assert not holds(public, message, flip(signature, bit)), f"bit {bit} of the signature"
    assert not holds(flip(public, key_bit), message, signature), f"bit {key_bit} of the key"


def holds(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        return bool(tool.is_signature(public, message, signature))
    except (SystemExit, ValueError):
        return False


def test_a_second_spelling_of_a_signature_is_refused():
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, signature = private.public_key().public_bytes_raw(), private.sign(b"m")
    again = (int.from_bytes(signature[32:], "little") + tool.L).to_bytes(32, "little")
    assert holds(public, b"m", signature) and not holds(public, b"m", signature[:32] + again), "s + L passed"
    assert not holds(public, b"m", signature + b"\0") and not holds(public, b"m", signature[:-1])


SMALL = [
    (1).to_bytes(32, "little"),
    (0).to_bytes(32, "little"),
    (tool.P - 1).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


@pytest.mark.parametrize("public", SMALL)
def test_a_key_that_signs_anything_is_refused(public):
    """Keys of small order: with them R = sB - hA holds for many messages."""
    forged = (1).to_bytes(32, "little") + bytes(32)
    assert not any(holds(public, bytes([number]), forged) for number in range(32))
