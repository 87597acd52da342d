"""Webhooks over real HTTP: what each kind of channel gets, what counts as told, and that the address stays secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from billsync.http import Session
from billsync.model.errors import VendorError
from billsync.sdk import Message
from billsync.testing.clock import Clock
from billsync.testing.server import FakeServer, Request, Response
from billsync_plugins.notifiers.webhook import LONGEST, Webhook, WebhookOptions

PATH = "/services/T000/B000/made-up-hook-secret"
QUERY = "sig=made-up-signature"
NIGHT = Message(
    subject="billsync: FINDINGS, A & B <office>",
    text="FINDINGS: 1 item\n<!channel> ``` & more\n",
    verdict="findings",
    at=datetime(2026, 3, 2, 7, 30, tzinfo=UTC),
    run="run-1",
)


class Channel(FakeServer):
    """Takes what is posted at its secret address; `answer` is what it says."""

    answer = Response(body=b"ok", headers={"Content-Type": "text/html"})

    def handle(self, request: Request) -> Response:
        good = request.path == PATH and request.query == {"sig": "made-up-signature"}
        return self.answer if good else Response(status=404, body=b"no_service", headers={"Content-Type": "text/html"})


@pytest.fixture
def channel() -> Iterator[Channel]:
    with Channel(clock=Clock()) as found:
        yield found


def post(channel: Channel, folder: Path, message: Message = NIGHT, **more: Any) -> None:
    options = WebhookOptions(url=f"{channel.url}{PATH}?{QUERY}", **more)
    clock = channel.clock
    with Session(
        Webhook.api, options, account="team", state=folder, sleep=clock.sleep, now=clock.now, patience=60
    ) as session:  # fmt: skip
        Webhook("team", options, session).send(message)


def test_a_chat_gets_text_in_which_nobodys_words_become_a_command(channel: Channel, tmp_path: Path) -> None:
    post(channel, tmp_path)
    [sent] = channel.log
    assert sent.json().keys() == {"text"}, "Slack and Mattermost take `text`"
    text = sent.json()["text"]
    assert text.startswith("billsync: FINDINGS, A &amp; B &lt;office&gt;\n```\nFINDINGS: 1 item")
    assert "<!channel>" not in text and text.count("```") == 2, "a record's own words left the block"


def test_teams_gets_a_card(channel: Channel, tmp_path: Path) -> None:
    channel.answer = Response(status=202)
    post(channel, tmp_path, style="card")
    [attachment] = channel.log[0].json()["attachments"]
    assert attachment["content"]["type"] == "AdaptiveCard"
    assert [block["text"] for block in attachment["content"]["body"]] == [NIGHT.subject, NIGHT.text]


def test_a_program_gets_all_that_there_is(channel: Channel, tmp_path: Path) -> None:
    channel.answer = Response.json_of({"received": True})
    post(channel, tmp_path, style="plain")
    said = {"subject": NIGHT.subject, "verdict": "findings", "text": NIGHT.text, "run": "run-1"}
    assert channel.log[0].json() == said


@pytest.mark.parametrize("style", LONGEST)
def test_a_long_night_is_cut_at_a_line_and_says_so(channel: Channel, tmp_path: Path, style: str) -> None:
    lines = "\n".join(f"line {number:06}" for number in range(LONGEST[style] // 8))
    post(channel, tmp_path, Message(subject="s", text=lines), style=style)
    body = channel.log[0].body.decode()
    assert "line 000000" in body and "the rest: billsync reconcile" in body
    assert len(body) < LONGEST[style] * 2 and lines[-11:] not in body


@pytest.mark.parametrize(
    "answer",
    [
        Response(body=b"invalid_payload", headers={"Content-Type": "text/html"}),
        Response(status=403, body=b"action_prohibited", headers={"Content-Type": "text/html"}),
        Response(status=404, body=b"no_service", headers={"Content-Type": "text/html"}),
        Response(status=410, body=b"channel_is_archived", headers={"Content-Type": "text/html"}),
        Response(status=500, body=b"rollup_error", headers={"Content-Type": "text/html"}),
        Response(body=b"Microsoft Teams endpoint returned HTTP error 429", headers={"Content-Type": "text/plain"}),
        Response(body=b"<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html"}),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:12].decode()}",
)
def test_what_was_not_taken_is_an_error_that_hides_the_address(
    channel: Channel, tmp_path: Path, answer: Response, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel.answer = answer
    with pytest.raises(VendorError) as caught:
        post(channel, tmp_path)
    told = f"{caught.value} {caught.value!r} {caplog.text}"
    assert "made-up" not in told, f"the address is the credential: {told}"
    assert "team" in caught.value.where


def test_the_address_is_in_no_repr(channel: Channel) -> None:
    options = WebhookOptions(url=f"{channel.url}{PATH}?{QUERY}")
    assert "made-up" not in f"{options!r} {Webhook('team', options)!r} {options}"
