"""Record once, play back for ever."""

from __future__ import annotations

import pytest

from billsync.http import Player, Recorder
from billsync.http.tape import UnknownRequest
from billsync.sdk import Bearer, Cursor, OAuth2
from tests.unit.http.oauth_vendor import RotatingVendor
from tests.unit.http.vendor import Says


def test_what_was_recorded_is_played_back_to_the_last_digit(vendor, opened, api, tmp_path):
    vendor.on(
        "/v1/x",
        Says('{"items": [{"id": 1, "hours": 7.10}], "nextPageToken": "p2"}', headers={"X-Trace": "r-1"}),
        Says('{"items": [{"id": 2, "who": "ann@firm.com"}], "nextPageToken": null}'),
    )
    tape = tmp_path / "tape.jsonl"
    declared = api(auth=Bearer("token"), pages=Cursor(at="nextPageToken", param="pageToken"), request_id="X-Trace")
    base = f"{vendor.url}/v1"
    recorded = list(opened(declared, session={"transport": Recorder(tape)}).rows("/x", {"b": 1, "a": "2"}, at="items"))
    asked = len(vendor.seen)

    player = opened(declared, session={"transport": Player(tape)}, base_url=base, token="another-token-entirely")
    played = list(player.rows("/x", {"a": "2", "b": 1}, at="items"))
    assert str(played[0]) == str(recorded[0])
    assert played[1]["id"] == 2 and played[1]["who"].endswith("@example.com")
    assert player.stats.request_id == "r-1"
    assert list(player.rows("/x", {"a": "2", "b": 1}, at="items")) == played, "the same poll twice differs"
    assert len(vendor.seen) == asked, "a player went out"


def test_an_unknown_request_fails_and_names_the_nearest(vendor, opened, api, tmp_path):
    vendor.on("/v1/time_entries", Says({"ok": 1}))
    vendor.on("/v1/projects", Says({"ok": 1}))
    tape = tmp_path / "tape.jsonl"
    session = opened(api(), session={"transport": Recorder(tape)})
    session.get("/projects")
    session.get("/time_entries", {"page": 1})
    with pytest.raises(UnknownRequest) as caught:
        opened(api(), session={"transport": Player(tape)}).get("/time_entries", {"page": 2})
    error = caught.value
    assert error.what == f"the tape has no answer to GET {vendor.url}/v1/time_entries?page=2"
    assert error.hint == f"nearest: GET {vendor.url}/v1/time_entries?page=1"
    assert error.where == str(tape)


def test_an_empty_tape_says_so(opened, api, tmp_path):
    tape = tmp_path / "tape.jsonl"
    tape.write_text("", encoding="utf-8")
    with pytest.raises(UnknownRequest, match="no answer") as caught:
        opened(api(), session={"transport": Player(tape)}).get("/x")
    assert caught.value.hint == "the tape is empty"


def test_bodies_tell_requests_apart_and_answers_come_in_their_order(vendor, opened, api, tmp_path):
    vendor.on("/v1/x", lambda seen: Says({"q": seen.json()["q"], "n": len(vendor.seen)}))
    tape = tmp_path / "tape.jsonl"
    session = opened(api(), session={"transport": Recorder(tape)})
    for q in ("a", "b", "a"):
        session.read("/x", {"q": q})
    player = opened(api(), session={"transport": Player(tape)})
    got = [player.read("/x", {"q": q}) for q in ("b", "a", "a", "a")]
    assert got == [{"q": "b", "n": 2}, {"q": "a", "n": 1}, {"q": "a", "n": 3}, {"q": "a", "n": 3}]


def test_bytes_that_are_no_text_survive(vendor, opened, api, tmp_path):
    vendor.on("/v1/f", Says(b"\xff\xfe\x00%PDF", media="application/pdf"))
    tape = tmp_path / "tape.jsonl"
    opened(api(), session={"transport": Recorder(tape)}).answer("/f")
    assert opened(api(), session={"transport": Player(tape)}).answer("/f").content == b"\xff\xfe\x00%PDF"


def test_errors_are_played_back_too(vendor, opened, api, tmp_path, clock):
    vendor.on("/v1/x", Says({"message": "slow"}, 429, {"Retry-After": "3"}), Says({"ok": 1}))
    tape = tmp_path / "tape.jsonl"
    opened(api(), session={"transport": Recorder(tape)}).get("/x")
    assert opened(api(), session={"transport": Player(tape)}).get("/x") == {"ok": 1}
    assert clock.slept == [3, 3]


def test_a_log_in_is_played_back_without_its_secrets(vendor, opened, api, tmp_path):
    RotatingVendor(vendor)
    tape = tmp_path / "tape.jsonl"
    declared = api(auth=OAuth2(token_url=f"{vendor.url}/token"))
    options = {"refresh_token": "refresh-token-0"}
    first = {"transport": Recorder(tape), "state": tmp_path / "one"}
    assert opened(declared, session=first, **options).get("/x") == {"ok": True}
    again = {"transport": Player(tape), "state": tmp_path / "two"}
    assert opened(declared, session=again, refresh_token="one-of-my-own").get("/x") == {"ok": True}
