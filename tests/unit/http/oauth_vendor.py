"""A vendor whose refresh tokens rotate and die with their use, as at Xero or Jira."""

from __future__ import annotations

import threading

from tests.unit.http.vendor import Says, Seen, Vendor


class RotatingVendor:
    """Scripts `/token` and `/v1/x` of a vendor. A refresh token used twice is a reuse: it answers invalid_grant."""

    def __init__(self, vendor: Vendor, *, rotates: bool = True) -> None:
        self.vendor = vendor
        self.number = 0
        self.reused = 0
        self._rotates = rotates
        self._turn = threading.Lock()
        vendor.on("/token", self.token)
        vendor.on("/v1/x", self.data)

    @property
    def access(self) -> str:
        return f"access-token-{self.number}"

    @property
    def refresh(self) -> str:
        return f"refresh-token-{self.number if self._rotates else 0}"

    def token(self, seen: Seen) -> Says:
        with self._turn:
            asked = seen.form()
            if asked.get("grant_type") == "refresh_token" and asked.get("refresh_token") != self.refresh:
                self.reused += 1
                return Says({"error": "invalid_grant", "error_description": "token was used"}, 400)
            self.number += 1
            rotated = {"refresh_token": self.refresh} if self._rotates else {}
            return Says({"access_token": self.access, "expires_in": "3600", "realmId": 42, **rotated})

    def data(self, seen: Seen) -> Says:
        with self._turn:
            good = seen.headers.get("authorization") == f"Bearer {self.access}" and self.number > 0
        return Says({"ok": True}) if good else Says({"message": "expired"}, 401)
