"""What can go wrong between us and a vendor, as data: whether the request took effect, and what came back.

refused         understood and declined; nothing was done
timeout_before  no answer, nothing done        timeout_after   no answer, done
error_before    500, nothing done              error_after     500, done
reset_before    connection reset, nothing done reset_after     connection reset, done
half            done; the connection breaks in the middle of the body
cut             done; 200 whose JSON ends early     wrong       done; 200 with JSON of another shape
page            done; 200 with a web page           empty       done; 200 with nothing
slow            504 now; done a minute later        twice       delivered twice (a proxy repeated it), answered once
throttled       429, nothing done                   unauthorized  401, nothing done
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Commits = Literal["yes", "no", "later", "twice"]
Answer = Literal["normal", "status", "hang", "reset", "half", "cut", "wrong", "page", "empty"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`commits`: whether the request takes effect · `answer`: what the client gets; `status`, `headers`, `body` for
    the answer `status` · `delay`: seconds until an effect that comes `later`."""

    commits: Commits = "no"
    answer: Answer = "status"
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b'{"message": "something went wrong"}'
    delay: int = 60

    @property
    def may_commit(self) -> bool:
        """True where the vendor did, or will do, what was asked."""
        return self.commits != "no"


FAULTS: Final[Mapping[str, Fault]] = {
    "refused": Fault(status=400),
    "timeout_before": Fault(answer="hang"),
    "timeout_after": Fault(commits="yes", answer="hang"),
    "error_before": Fault(status=500),
    "error_after": Fault(commits="yes", status=500),
    "reset_before": Fault(answer="reset"),
    "reset_after": Fault(commits="yes", answer="reset"),
    "half": Fault(commits="yes", answer="half"),
    "cut": Fault(commits="yes", answer="cut"),
    "wrong": Fault(commits="yes", answer="wrong"),
    "page": Fault(commits="yes", answer="page"),
    "empty": Fault(commits="yes", answer="empty"),
    "slow": Fault(commits="later", status=504),
    "twice": Fault(commits="twice", answer="normal"),
    "throttled": Fault(status=429, headers={"Retry-After": "7"}),
    "unauthorized": Fault(status=401),
}
