"""One HTTP request to a host that somebody else named, within a deadline."""

import contextlib
import io
import socket
import ssl
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

from accounts.addresses import AddressRefused, Resolver, Target, resolve, targets_of


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
    try:
        with contextlib.ExitStack() as opened:
            return _exchange(url, body, headers, keep_bytes, deadline, resolver, opened)
    except AddressRefused as error:
        raise RequestFailed(str(error)) from None
    except TimeoutError:
        raise RequestFailed(f"No answer within {seconds:g} s.") from None
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "TLS failed"
        raise RequestFailed(f"No secure connection: {reason}.") from None
    except (OSError, HTTPException, ValueError) as error:
        raise RequestFailed(_words(error)) from None


def _exchange(
    url: str,
    body: bytes,
    headers: dict[str, str],
    keep_bytes: int,
    deadline: Deadline,
    resolver: Resolver,
    opened: contextlib.ExitStack,
) -> Answer:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    targets = targets_of(host, port, timeout=deadline.remaining(), resolver=resolver)
    if parts.scheme != "https" and not all(one.is_exempt for one in targets):
        raise AddressRefused("Only https may leave the private network.")
    wire = opened.enter_context(_connected(targets, port, deadline))
    if parts.scheme == "https":
        wire = opened.enter_context(_wrapped(wire, host))
        wire.settimeout(deadline.remaining())
        wire.do_handshake()
    request = HTTPConnection(host, port)
    request.sock = _Wire(wire, deadline)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fixed = {"Host": parts.netloc, "Connection": "close"}
    request.request("POST", path, body, fixed | headers)
    return _read(request.getresponse(), keep_bytes)


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
        return "The connection was cut before an answer came."
    return "The host could not be reached."
