"""Webhook: the morning message as a JSON POST, to Slack, Mattermost, Teams, or a program of the firm's.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. The address is the credential: whoever has
it can post, so it is a secret, and no error, log or ledger shows it.
- `text` fits Slack, Mattermost, Rocket.Chat and Google Chat: one member, cut where the channel would cut it.
- `card` fits Teams: an Adaptive Card for a flow that posts what a webhook receives. It answers before it has posted.
- `plain` is for programs: subject, verdict, text and the name of the run.
- Teams' older connectors answer 200 and write the failure into the body: that is told as a failure.
"""

from typing import Final, Literal

from billsync.model.errors import BadAnswer
from billsync.sdk import Api, Field, Limit, Message, Notifier, Options, Secret, Throttle, notifiers
from billsync.sdk.api import Json
from billsync.sdk.parse import path_in

LONGEST: Final = {"text": 3500, "card": 15_000, "plain": 200_000}
_CARD: Final = "application/vnd.microsoft.card.adaptive"


class WebhookOptions(Options):
    """Where the message goes, and how the receiver wants it."""

    url: Secret = Field(description="The address the channel gave you; it is a secret: whoever has it can post.")
    style: Literal["text", "card", "plain"] = Field(
        default="text", description="text: Slack, Mattermost, Google Chat; card: Teams; plain: programs."
    )

    def secrets(self) -> list[str]:
        """The address, and its parts as errors and logs would quote them."""
        whole = self.url.get_secret_value()
        bare = whole.partition("?")[0]
        return [whole, bare, path_in(bare)]


class Webhook(Notifier[WebhookOptions]):
    """One channel."""

    kind = "webhook"
    title = "Webhook (Slack, Teams, Mattermost)"
    docs = "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"
    api = Api(
        base_url="{url}",
        limits=(Limit(1, per=1),),
        throttles=(Throttle(status=429, wait=30), Throttle(body_has="endpoint returned HTTP error", wait=30)),
        write_timeout=20,
    )
    quality = "silver"

    def send(self, message: Message) -> None:
        """One POST. BadAnswer where the receiver says in words that it failed."""
        answer = self.http.write("POST", "", self.body(message))
        said = answer.content.decode(errors="replace").strip()
        if said.startswith(("invalid_", "no_", "channel_", "action_")):
            raise BadAnswer(f"the channel did not take the message: {said[:80]}", where=self.account)

    def body(self, message: Message) -> Json:
        """What is posted."""
        style = self.options.style
        text = _cut(message.text, LONGEST[style])
        if style == "plain":
            return {"subject": message.subject, "verdict": message.verdict, "text": text, "run": message.run}
        if style == "text":
            return {"text": f"{_escaped(message.subject)}\n```\n{_escaped(text)}\n```"}
        head = {"type": "TextBlock", "text": message.subject, "weight": "Bolder", "size": "Medium", "wrap": True}
        body = {"type": "TextBlock", "text": text, "fontType": "Monospace", "wrap": True}
        card = {"type": "AdaptiveCard", "version": "1.4", "body": [head, body]}
        return {"type": "message", "attachments": [{"contentType": _CARD, "contentUrl": None, "content": card}]}


def _cut(text: str, longest: int) -> str:
    """Whole lines, as many as fit, and a word that there is more."""
    if len(text) <= longest:
        return text
    return f"{text[:longest].rpartition(chr(10))[0]}\n... the rest: billsync reconcile"


def _escaped(text: str) -> str:
    """As Slack wants it; a record's own words may not become a link or call everybody, nor end the block."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("```", "'''")


billsync_notifiers = notifiers(Webhook)
