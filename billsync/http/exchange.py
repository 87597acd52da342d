"""One account's line to its vendor: a call goes out under limits and credential, and comes back judged.

The order of judgement: throttle, status, shape, success. What passes is an answer; nothing else ever is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from billsync.http import errors
from billsync.http.addresses import Addresses
from billsync.http.call import Call, Reply
from billsync.http.client import httpx, timeout
from billsync.http.limits import Gate
from billsync.http.parts import Parts
from billsync.http.retry import Patience
from billsync.http.stats import Stats
from billsync.http.throttle import throttled
from billsync.model.errors import BadAnswer, UsageError, VendorError
from billsync.sdk.api import Api

log = logging.getLogger("billsync.http")
MAX_HOPS = 5
_JSON = "application/json"
"""Asked for explicitly: several vendors answer XML to whoever does not."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(slots=True, kw_only=True)
class Exchange:
    """Sends calls. Every error it raises is a VendorError without secrets (UsageError where ours is the fault)."""

    api: Api
    parts: Parts
    auth: httpx.Auth
    addresses: Addresses
    gate: Gate
    patience: Patience
    stats: Stats
    now: Callable[[], datetime]
    locked_until: datetime | None = None
    """Until then the vendor would only prolong the lock-out."""

    def send(self, call: Call) -> Reply:
        """The answer to a call; repeated where the call may be."""
        attempts: list[VendorError] = []

        def once() -> Reply:
            try:
                return self._once(call)
            except VendorError as error:
                attempts.append(error)
                raise

        try:
            return self.patience.insist(once, repeatable=call.reads or call.keyed)
        except VendorError as error:
            # A refusal after an attempt that may have arrived proves nothing: the refusal may be its echo.
            error.sent = any(attempt.sent for attempt in attempts)
            raise

    def _once(self, call: Call) -> Reply:
        if self.locked_until is not None and self.now() < self.locked_until:
            raise errors.locked_out(self.locked_until, account=self.parts.account)
        try:
            reply = self._answered(call)
            error = self._judged(reply, call)
            if error is not None:
                raise error
        except VendorError as error:
            raise self._masked(error) from None
        return reply

    def _judged(self, reply: Reply, call: Call) -> VendorError | None:
        slow = throttled(reply, self.api, account=self.parts.account, now=self.now())
        if isinstance(slow, errors.LockedOut):
            self.locked_until = self.now() + timedelta(seconds=slow.retry_after or 0)
        if slow is not None:
            return slow
        failed = errors.of_status(reply, self.api, account=self.parts.account, now=self.now())
        if failed is not None:
            return failed
        if reply.is_page() and (call.expects == "json" or not call.reads):
            words = errors.message(reply, self.api)
            return BadAnswer(
                f"a web page came instead of an answer: {words}",
                where=reply.where,
                hint="a log-in or maintenance page; check the address and the credential",
                status=reply.status,
            )
        if call.expects == "json" or reply.is_json():
            raw = {} if call.expects == "anything" and reply.is_empty() else reply.json()
            tests = self.api.success if call.success is None else call.success
            return errors.of_body(raw, reply, tests, account=self.parts.account)
        return None

    def _answered(self, call: Call) -> Reply:
        """The answer at the end of the redirects, of which a write follows none."""
        for _ in range(MAX_HOPS):
            reply = self._hop(call)
            if reply.status not in _REDIRECTS or not call.reads:
                return reply
            call = self._redirected(call, reply)
        raise BadAnswer("the vendor redirects in a circle", where=reply.where)

    def _redirected(self, call: Call, reply: Reply) -> Call:
        target = reply.headers.get("location")
        if not target:
            raise BadAnswer(f"a redirect ({reply.status}) that leads nowhere", where=reply.where)
        url = urljoin(call.url, target)
        if reply.status in {307, 308} or call.method == "GET":
            return replace(call, url=url)
        return replace(call, url=url, method="GET", content=None)

    def _hop(self, call: Call) -> Reply:
        place = errors.where(self.parts.account, call.method, call.url)
        trust = self.addresses.hosts().trust(call.url)
        if trust == "refused":
            raise BadAnswer(
                "the address is not one of this vendor's: the credential does not go there",
                where=place,
                hint="a new host of the vendor must be declared in the connector (`hosts` or `download_hosts`)",
                sent=False,
            )
        request = self._request(call, bare=trust == "bare", place=place)
        with self.gate.slot():
            self.stats.add(calls=1)
            try:
                response = self.parts.client.send(request, auth=self.auth if trust == "credential" else None)
            except httpx.RequestError as error:
                log.debug("%s failed: %s", self.parts.redactor.text(place), type(error).__name__)
                raise errors.of_wire(error, account=self.parts.account, place=place) from None
            reply = self._reply(call, response)
            self.gate.charge(reply)
            return reply

    def _request(self, call: Call, *, bare: bool, place: str) -> httpx.Request:
        headers = {
            "user-agent": self.parts.agent,
            "accept": "*/*" if call.reads and call.expects == "anything" else _JSON,
        }
        if not bare:
            headers |= {name.lower(): value for name, value in {**self.addresses.headers(), **call.headers}.items()}
        try:
            if not all(value.isprintable() for value in headers.values()):
                raise ValueError("a header with a line break")
            return self.parts.client.build_request(
                call.method, call.url, headers=headers, content=call.content, timeout=timeout(call.timeout)
            )
        except (httpx.InvalidURL, ValueError):
            # The library's text would quote the header or address, which may be a secret.
            raise UsageError(
                "the request cannot be written: an address or header holds characters that HTTP does not allow",
                where=self.parts.redactor.text(place),
                hint="look for line breaks and letters beyond ASCII in the account's options",
            ) from None

    def _reply(self, call: Call, response: httpx.Response) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        request_id = headers.get(self.api.request_id.lower(), "") if self.api.request_id else ""
        self.stats.add(request_id=request_id)
        self._compare_clocks(headers)
        log.debug("%s %s -> %d", call.method, self.parts.redactor.shared(call.url), response.status_code)
        return Reply(
            status=response.status_code,
            headers=headers,
            content=response.content,
            url=call.url,
            where=self.parts.redactor.text(errors.where(self.parts.account, call.method, call.url, request_id)),
            mask=self.parts.redactor.text,
            next_link=response.links.get("next", {}).get("url", ""),
        )

    def _compare_clocks(self, headers: Mapping[str, str]) -> None:
        """`Date` (RFC 9110, 6.6.1) is when the vendor answered; not so where `Age` says that a cache did."""
        told = headers.get("date", "")
        if not told or "age" in headers:
            return
        try:
            at = parsedate_to_datetime(told)
        except (ValueError, OverflowError):
            return  # no date after all: nothing rests on its being there
        if at.tzinfo is not None:
            self.stats.ahead = at - self.now()

    def _masked(self, error: VendorError) -> VendorError:
        error.what = self.parts.redactor.text(error.what)
        error.where = self.parts.redactor.text(error.where)
        error.args = (error.what,)
        return error
