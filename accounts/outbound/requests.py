"""One HTTP request to a host that somebody else named, within a deadline."""

import contextlib
import io
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

from accounts.outbound.addresses import (
    AddressRefused,
    Resolver,
    Target,
    resolve,
    targets_of,
)

CUT = "The connection was cut before an answer came."


class RequestFailed(Exception):
    """No answer; the text says why and names nothing inside our network."""


@dataclass
class Answer:
    """What the other side answered; `body` is at most as long as was asked for."""

    status: int
    headers: dict[str, str]
    body: bytes


class Deadline:
    """A moment; every wait is cut to what remains until then."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    def remaining(self) -> float:
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Reader(io.RawIOBase):
    """Read from a socket, waiting no longer than the deadline however it drips."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self.connection = connection
        self.deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self.connection.settimeout(self.deadline.remaining())
        return self.connection.recv_into(buffer)


class _Wire:
    """The part of a socket that http.client uses, held to the deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self.connection = connection
        self.deadline = deadline

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self.connection.settimeout(self.deadline.remaining())
            view = view[self.connection.send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self.connection, self.deadline))

    def close(self) -> None:
        """Leave it open: whoever opened the socket closes it."""


def post(
    url: str,
    *,
    body: bytes,
    headers: dict[str, str],
    seconds: float,
    keep_bytes: int,
    resolver: Resolver = resolve,
) -> Answer:
    """Send a body and return the answer, following no redirect. Raises RequestFailed.

    `seconds` are for everything together: name, connection, answer.
    """
    deadline = Deadline(seconds)
    with _in_words(seconds), contextlib.ExitStack() as opened:
        targets = _targets(url, deadline, resolver)
        if urlsplit(url).scheme != "https" and not all(
            one.is_exempt for one in targets
        ):
            raise AddressRefused("Only https may leave the private network.")
        request = _opened(url, targets, deadline, opened)
        response = _asked(request, "POST", url, body, headers)
        return _read(response, keep_bytes)


def get(
    url: str,
    *,
    headers: dict[str, str],
    seconds: float,
    most_bytes: int,
    resolver: Resolver = resolve,
) -> Answer:
    """Return the whole answer to a GET, following no redirect. Raises RequestFailed.

    What is cut off or longer than `most_bytes` is a failure, not a shorter answer.
    """
    deadline = Deadline(seconds)
    with _in_words(seconds), contextlib.ExitStack() as opened:
        targets = _targets(url, deadline, resolver)
        request = _opened(url, targets, deadline, opened)
        response = _asked(request, "GET", url, None, headers)
        body = response.read(most_bytes + 1)
        if len(body) > most_bytes:
            raise RequestFailed(f"The answer is larger than {most_bytes:,} bytes.")
        if response.length:
            raise RequestFailed(CUT)
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, body)


@contextlib.contextmanager
def _in_words(seconds: float) -> Iterator[None]:
    """Turn whatever stops a request into a failure that may be shown."""
    try:
        yield
    except AddressRefused as error:
        raise RequestFailed(str(error)) from None
    except TimeoutError:
        raise RequestFailed(f"No answer within {seconds:g} s.") from None
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "TLS failed"
        raise RequestFailed(f"No secure connection: {reason}.") from None
    except (OSError, HTTPException, ValueError) as error:
        raise RequestFailed(_words(error)) from None


def _targets(url: str, deadline: Deadline, resolver: Resolver) -> list[Target]:
    """Resolve the host of an address once and judge what it leads to."""
    parts = urlsplit(url)
    return targets_of(
        parts.hostname or "",
        _port_of(url),
        timeout=deadline.remaining(),
        resolver=resolver,
    )


def _port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _opened(
    url: str, targets: list[Target], deadline: Deadline, opened: contextlib.ExitStack
) -> HTTPConnection:
    """Connect to a judged address, with TLS in the name's name."""
    parts, port = urlsplit(url), _port_of(url)
    host = parts.hostname or ""
    wire = opened.enter_context(_connected(targets, port, deadline))
    if parts.scheme == "https":
        wire = opened.enter_context(_wrapped(wire, host))
        wire.settimeout(deadline.remaining())
        wire.do_handshake()
    request = HTTPConnection(host, port)
    request.sock = _Wire(wire, deadline)
    return request


def _asked(
    request: HTTPConnection,
    method: str,
    url: str,
    body: bytes | None,
    headers: dict[str, str],
) -> HTTPResponse:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fixed = {"Host": parts.netloc, "Connection": "close"}
    request.request(method, path, body, fixed | headers)
    return request.getresponse()


def _connected(targets: list[Target], port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first judged address that answers."""
    failure: OSError | None = None
    for target in targets:
        try:
            return socket.create_connection(
                (target.address, port), timeout=deadline.remaining()
            )
        except TimeoutError:
            raise
        except OSError as error:
            failure = error
    raise failure or OSError("No address.")


def _wrapped(opened: socket.socket, host: str) -> ssl.SSLSocket:
    """Prepare TLS: the certificate must be the name's, whatever the address."""
    return ssl.create_default_context().wrap_socket(
        opened, server_hostname=host, do_handshake_on_connect=False
    )


def _read(response: HTTPResponse, keep_bytes: int) -> Answer:
    """Read no more than is kept: a status is an answer, however the body goes on."""
    kept = b""
    with contextlib.suppress(HTTPException, OSError):
        while len(kept) < keep_bytes and (
            part := response.read1(keep_bytes - len(kept))
        ):
            kept += part
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, kept)


def _words(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "The connection was refused."
    if isinstance(error, ConnectionError | HTTPException):
        return CUT
    return "The host could not be reached."
