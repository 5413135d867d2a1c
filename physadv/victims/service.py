"""Asking a server over HTTP: time limit, retries with back-off, rate, certificates checked."""

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from physadv.core import UserError, check
from physadv.victims.door import first_line
from physadv.victims.weights import check_file

LARGEST = 64 * 2**20
"""Bytes of a reply; no classifier's answer is longer."""
LONGEST_S = 60.0
"""The longest wait that a server's Retry-After may ask for."""
AGAIN = (408, 425, 429)
"""Refusals that may pass; so may all of 500 and above."""
FAULTS = (OSError, http.client.HTTPException)
"""What goes wrong on the way: refused and broken connections, time-outs, half replies."""


@dataclass(frozen=True)
class Service:
    """A server's address and how patiently it is asked.

    `timeout_s` bounds every attempt; after a time-out, a broken connection, a 429 or any 5xx it is
    asked again, `tries` times in all, `backoff_s`, then twice that, four times that... later, or
    when its Retry-After says. At most `per_second` requests a second. `headers` may hold a key;
    they are neither shown nor kept. Certificates are always checked, against `ca_file` (PEM) if
    that is given. Redirects are not followed.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 10.0
    tries: int = 4
    backoff_s: float = 0.5
    per_second: float | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        """Check what was given."""
        expected = "http://host/... or https://host/..."
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise UserError("url", expected=expected, got=first_line(error)) from error
        check(good, "url", expected=expected, got=repr(self.place))
        check(self.timeout_s > 0, "timeout_s", expected="seconds above 0", got=self.timeout_s)
        check(self.tries >= 1, "tries", expected="at least 1", got=self.tries)
        check(self.backoff_s >= 0, "backoff_s", expected="seconds", got=self.backoff_s)
        rate = self.per_second
        check(rate is None or rate > 0, "per_second", expected="a rate above 0", got=rate)
        if self.ca_file is not None:
            check_file("ca_file", Path(self.ca_file))

    @property
    def place(self) -> str:
        """The address without what may be secret: no user, password or query."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


class Line:
    """An open line to a service: remembers when it was last used."""

    def __init__(self, service: Service) -> None:
        """Prepare to ask `service`; nothing is sent yet."""
        self.service, self._free = service, 0.0
        context = ssl.create_default_context(cafile=service.ca_file)
        https = urllib.request.HTTPSHandler(context=context)
        self._opener = urllib.request.build_opener(https, _Stay())

    def post(self, kind: str, body: bytes, spend: Callable[[], None]) -> bytes:
        """Return the reply to a body of a content type; `spend` is called before every attempt.

        Raises `UserError` when the server cannot be asked or goes on failing.
        """
        fault = ""
        for attempt in range(self.service.tries):
            spend()
            self._wait()
            try:
                return self._attempt(kind, body)
            except urllib.error.HTTPError as error:
                error.close()
                fault, pause = self._refused(error), _retry_after(error)
            except FAULTS as error:
                fault, pause = self._failed(error), 0.0
            if attempt + 1 < self.service.tries:
                time.sleep(max(pause, self.service.backoff_s * 2**attempt))
        raise UserError(
            "victim",
            expected=f"{self.service.place} to answer within {self.service.timeout_s:g} s",
            got=f"{fault}, in each of {self.service.tries} attempts",
            fix="answers so far are kept; ask again when it is well",
        )

    def _attempt(self, kind: str, body: bytes) -> bytes:
        headers = {"Content-Type": kind, "Accept": "application/json", **self.service.headers}
        request = urllib.request.Request(self.service.url, body, headers, method="POST")
        end = time.monotonic() + self.service.timeout_s
        with self._opener.open(request, timeout=self.service.timeout_s) as reply:
            return _body(reply, end)

    def _wait(self) -> None:
        now = time.monotonic()
        time.sleep(max(0.0, self._free - now))
        if self.service.per_second is not None:
            self._free = max(now, self._free) + 1 / self.service.per_second

    def _refused(self, error: urllib.error.HTTPError) -> str:
        """Return a refusal that may pass as text; raises `UserError` for one that will not."""
        got = f"HTTP {error.code} {error.reason}"
        if error.code >= 500 or error.code in AGAIN:
            return got
        moved, fix = error.headers.get("Location"), "check url, headers, and the body in Wire"
        if moved:
            fix = f"give the address it points to, {moved}"
        expected = f"{self.service.place} to take the request"
        raise UserError("victim", expected=expected, got=got, fix=fix) from error

    def _failed(self, error: Exception) -> str:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            fix = "give the authority's certificate as ca_file, if you trust it"
            expected = f"a valid certificate of {self.service.place}"
            got = reason.verify_message
            raise UserError("victim", expected=expected, got=got, fix=fix) from error
        return first_line(reason) if isinstance(reason, BaseException) else str(reason)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would turn the request into one without a body."""

    def redirect_request(self, *_args: Any, **_options: Any) -> None:
        """Say that there is nothing to follow, so that it is an error."""


def _body(reply: Any, end: float) -> bytes:
    """Read a reply that has to be whole by `end`."""
    parts, size = [], 0
    while part := reply.read1(2**16):
        parts.append(part)
        size += len(part)
        if time.monotonic() > end:
            raise TimeoutError("the reply trickles in")
        check(size <= LARGEST, "victim", expected=f"a reply below {LARGEST} bytes", got="more")
    missing = reply.length or 0  # what its Content-Length promised beyond that
    if missing:
        raise http.client.IncompleteRead(b"".join(parts), missing)
    return b"".join(parts)


def _retry_after(error: urllib.error.HTTPError) -> float:
    text = error.headers.get("Retry-After", "")
    return min(LONGEST_S, float(text)) if text.isdecimal() else 0.0
