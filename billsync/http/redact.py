"""Keeps secrets out of everything that is written: addresses, headers, bodies, errors, logs, tapes.

Two nets: the values themselves (options, tokens as they arrive), in every coding in which they travel; and the
members that bear a secret by their name, so that a value nobody told us of is caught as well. Tapes also lose
personal data: they are meant to be shared. Text is replaced in place, so that numbers keep every digit.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

MASK = "***"
_SHORTEST = 4
"""Shorter values are not searched for: masking each `a` would hide the answer and protect nothing."""

_SECRET_NAME = re.compile(
    r"(?i)(^|[_\-.])((access|refresh|id|auth|api|csrf|security)[_\-]?token|token|client[_\-]?secret|secret|password|"
    r"passwd|pwd|api[_\-]?key|private[_\-]?key|assertion|authorization|cookie|credential|signature|sig|"
    r"session[_\-]?id|code[_\-]?verifier|device[_\-]?code)$"
)
_PUBLIC_NAMES = frozenset({"next_token", "page_token", "sync_token", "skip_token", "continuation_token", "delta_token"})
"""Names that read like secrets and are none: paging tokens, versions of records."""
_PERSONAL_NAME = re.compile(
    r"(?i)^((first|last|full|given|family|middle|display)[_\-]?name|phone.*|mobile.*|telephone|birth.*|"
    r"date[_\-]?of[_\-]?birth|ssn|national[_\-]?id|street.*|address[_\-]?line.*|iban|bank[_\-]?account.*)$"
)
_JSON_MEMBER = re.compile(r'"([^"\\]{1,60})"(\s*:\s*)"((?:[^"\\]|\\.)+)"')
_XML_ELEMENT = re.compile(r"<([A-Za-z][\w.\-]*)>([^<>]+)</\1>")
_QUERY_MEMBER = re.compile(r"([A-Za-z][\w.\-]*)(=|%3D)([^&\s\"'<>;]+)")
_SCHEMES = re.compile(r"(?i)\b(Bearer|Basic|OAuth|Zoho-oauthtoken)\s+[A-Za-z0-9._~+/=\-]{8,}")
_USER_INFO = re.compile(r"(?i)\b(https?://)[^/@\s]+@")
_MAIL = re.compile(r"[A-Za-z0-9._%+\-]+(?:@|%40)[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+")


class Redactor:
    """Masks what it was told (`learn`) and what looks like a secret. Safe to share between threads."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self.learn(*secrets)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def learn(self, *secrets: str | None) -> None:
        """Mask these values from now on, however they are written."""
        forms = set(self._forms)
        for secret in secrets:
            if secret and len(secret) >= _SHORTEST:
                forms.update(_codings(secret))
        self._forms = tuple(sorted(forms, key=len, reverse=True))

    def learn_pair(self, user: str, password: str) -> None:
        """Mask a password and the base64 of HTTP basic."""
        self.learn(password, base64.b64encode(f"{user}:{password}".encode()).decode())

    def text(self, text: str) -> str:
        """`text` without the secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        text = _QUERY_MEMBER.sub(_masked_query, text)
        text = _JSON_MEMBER.sub(_masked_json, text)
        text = _XML_ELEMENT.sub(_masked_xml, text)
        text = _SCHEMES.sub(rf"\1 {MASK}", text)
        return _USER_INFO.sub(rf"\1{MASK}@", text)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers without the secrets; those that are secret by name keep their name only."""
        return {name: MASK if _is_secret(name) else self.text(value) for name, value in headers.items()}

    def shared(self, text: str) -> str:
        """`text` without secrets and without personal data, for tapes."""
        return _MAIL.sub(_person, _JSON_MEMBER.sub(_masked_person, self.text(text)))


def _codings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        quote(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
    }


def _is_secret(name: str) -> bool:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return not any(snake.endswith(public) for public in _PUBLIC_NAMES) and _SECRET_NAME.search(snake) is not None


def _masked_query(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{MASK}" if _is_secret(match[1]) else match[0]


def _masked_json(match: re.Match[str]) -> str:
    return f'"{match[1]}"{match[2]}"{MASK}"' if _is_secret(match[1]) else match[0]


def _masked_xml(match: re.Match[str]) -> str:
    return f"<{match[1]}>{MASK}</{match[1]}>" if _is_secret(match[1]) else match[0]


def _masked_person(match: re.Match[str]) -> str:
    return f'"{match[1]}"{match[2]}"{MASK}"' if _PERSONAL_NAME.search(match[1]) else match[0]


def _person(match: re.Match[str]) -> str:
    """The same person stays the same person; nobody can be written to."""
    digest = hashlib.sha256(match[0].lower().replace("%40", "@").encode()).hexdigest()[:8]
    return f"person-{digest}@example.com"
