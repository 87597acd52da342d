"""The key that signs heads: made once, kept private, never guessed at when it is damaged."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from billsync.config.signing import FILE_NAME, signing_seed
from billsync.model.errors import SecretError


def test_the_key_is_made_on_first_use_and_stays(tmp_path):
    state = tmp_path / "state"
    made = signing_seed(state, random=lambda count: b"k" * count)
    assert made == b"k" * 32
    assert signing_seed(state, random=lambda count: b"x" * count) == made, "a second key was made"
    assert [path.name for path in state.iterdir()] == [FILE_NAME], "something was left beside the key"


if os.name == "posix":  # Windows has no such modes: there the rights of the user's profile protect the file

    def test_nobody_else_may_read_the_key(tmp_path):
        signing_seed(tmp_path, random=lambda count: b"k" * count)
        assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
        (tmp_path / FILE_NAME).chmod(0o640)
        with pytest.raises(SecretError, match="others may read") as caught:
            signing_seed(tmp_path, random=lambda count: b"x" * count)
        assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"a2V5", b"not base64!", b"\xff" * 44])
def test_a_damaged_key_is_not_used_and_not_replaced(tmp_path, content):
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SecretError, match="the key that signs"):
        signing_seed(tmp_path, random=lambda count: b"x" * count)
    assert path.read_bytes() == content


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SecretError, match="cannot be read or made"):
        signing_seed(tmp_path / "file", random=lambda count: b"x" * count)


def test_runs_that_start_together_get_the_same_key(tmp_path):
    count = 8
    together = Barrier(count)

    def one(number: int) -> bytes:
        def random(length: int) -> bytes:
            together.wait(timeout=10)  # everyone has seen that there is no key
            return bytes([number]) * length

        return signing_seed(tmp_path, random=random)

    with ThreadPoolExecutor(count) as pool:
        seeds = set(pool.map(one, range(count)))
    assert len(seeds) == 1, "two runs went away with different keys"
