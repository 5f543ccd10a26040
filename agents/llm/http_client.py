"""The line to a model provider: a judged address, a bounded answer, patient waits.

Loading this loads the openai package and its HTTP client, half a second and tens of
megabytes: import it where an answer needs it, never at the top of a module.
"""

import contextlib
import math
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2
import openai

from accounts.outbound.addresses import AddressRefused, Target, resolve, targets_of
from accounts.outbound.requests import Deadline
from agents.llm.accounts import Account
from agents.llm.deadlines import Patience
from agents.llm.provider import ProviderError

CONNECT_SECONDS = 5
# An answer is forty thousand characters at most, each token in its own JSON.
MAX_BYTES = 16 * 2**20
# The package would also tell the provider about this machine.
SENT = {
    *(b"host", b"authorization", b"content-type", b"content-length"),
    *(b"accept", b"connection"),
}
# What another try may well get past.
PASSING = {408, 409, 425, 429}


class Refusal(ProviderError):
    """The provider answered with an error; `status` and what it named."""

    def __init__(self, text: str, error: openai.APIStatusError, **more: Any) -> None:
        self.status = error.status_code
        self.named = f"{error.param or ''} {error.message}"[:2_000].lower()
        self.wait = retry_after(error.response.headers)
        super().__init__(text, **more)


class Unreached(httpcore2.ConnectError):
    """There is no line; the text goes on after the provider's name."""


class Stream(httpcore2.NetworkStream):
    """A socket that waits in slices, and counts what comes."""

    def __init__(self, connection: socket.socket, patience: Patience) -> None:
        self.connection = connection
        self.patience = patience
        self.received = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        silent = Deadline(self.patience.silence)
        while True:
            try:
                self.connection.settimeout(self.patience.slice_of(silent))
            except TimeoutError:
                raise httpcore2.ReadTimeout("silent") from None
            try:
                data = self.connection.recv(max_bytes)
            except TimeoutError:
                continue
            except OSError as error:
                raise httpcore2.ReadError(type(error).__name__) from error
            self.received += len(data)
            if self.received > MAX_BYTES:
                raise ProviderError("The answer has no end.")
            return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        silent = Deadline(self.patience.silence)
        while view:
            try:
                self.connection.settimeout(silent.remaining())
                view = view[self.connection.send(view) :]
            except TimeoutError:
                raise httpcore2.WriteTimeout("silent") from None
            except OSError as error:
                raise httpcore2.WriteError(type(error).__name__) from error

    def close(self) -> None:
        self.connection.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "Stream":
        """Secure the connection: the certificate must be the name's."""
        try:
            self.connection.settimeout(CONNECT_SECONDS)
            wrapped = ssl_context.wrap_socket(
                self.connection, server_hostname=server_hostname
            )
        except TimeoutError:
            self.close()
            raise httpcore2.ConnectTimeout("handshake") from None
        except OSError as error:
            self.close()
            reason = getattr(error, "verify_message", "") or "TLS failed"
            raise Unreached(f"offers no secure connection: {reason}.") from error
        return Stream(wrapped, self.patience)

    def get_extra_info(self, info: str) -> Any:
        return None


class Backend(httpcore2.NetworkBackend):
    """Connects to judged addresses only; to any where the operator named the host."""

    def __init__(self, patience: Patience, *, is_secure: bool, is_trusted: bool):
        self.patience = patience
        self.is_secure = is_secure
        self.is_trusted = is_trusted

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Stream:
        self.patience.check()
        deadline = Deadline(CONNECT_SECONDS)
        failure: OSError | None = None
        try:
            for target in self._targets(host, port, deadline):
                try:
                    made = socket.create_connection(
                        (target.address, port), timeout=deadline.remaining()
                    )
                except TimeoutError:
                    raise
                except OSError as error:
                    failure = error
                else:
                    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return Stream(made, self.patience)
        except TimeoutError:
            raise httpcore2.ConnectTimeout("connecting") from None
        except AddressRefused as error:
            raise Unreached(f"may not be asked: {error}") from error
        if isinstance(failure, ConnectionRefusedError):
            raise Unreached("refused the connection.") from failure
        raise Unreached("could not be reached.") from failure

    def _targets(self, host: str, port: int, deadline: Deadline) -> list[Target]:
        if self.is_trusted:
            return [Target(address, True) for address in resolve(host, port)]
        targets = targets_of(host, port, timeout=deadline.remaining())
        if not self.is_secure and not all(one.is_exempt for one in targets):
            raise AddressRefused("Only https may leave the private network.")
        return targets


class Body(httpx2.SyncByteStream):
    """What comes back, its errors in the words the client knows."""

    def __init__(self, parts: Any) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[bytes]:
        with in_clients_words():
            yield from self.parts

    def close(self) -> None:
        self.parts.close()


class Transport(httpx2.BaseTransport):
    """Carries one client's requests over our own connections."""

    def __init__(self, backend: Backend) -> None:
        self.pool = httpcore2.ConnectionPool(
            ssl_context=secure_context(), network_backend=backend
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        asked = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=url.raw_scheme,
                host=url.raw_host,
                port=url.port,
                target=url.raw_path,
            ),
            headers=[pair for pair in request.headers.raw if pair[0].lower() in SENT]
            # An answer that is packed could be a thousand times what was counted.
            + [(b"Accept-Encoding", b"identity"), (b"User-Agent", b"YourAgent")],
            content=request.stream,
            extensions=request.extensions,
        )
        with in_clients_words():
            answer = self.pool.handle_request(asked)
        response = httpx2.Response(
            answer.status, headers=answer.headers, stream=Body(answer.stream)
        )
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise ProviderError("The answer came packed, unasked.")
        return response

    def close(self) -> None:
        self.pool.close()


@contextlib.contextmanager
def in_clients_words() -> Iterator[None]:
    try:
        yield
    except httpcore2.TimeoutException as error:
        raise httpx2.TimeoutException(str(error)) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise httpx2.TransportError(str(error)) from error


@lru_cache(maxsize=1)
def secure_context() -> ssl.SSLContext:
    """Return the machine's trusted certificates, read once."""
    return ssl.create_default_context()


@contextlib.contextmanager
def asking(account: Account, patience: Patience) -> Iterator[openai.OpenAI]:
    """Yield a client that follows no redirect and repeats nothing by itself.

    Whatever goes wrong becomes a ProviderError that people may read. Words of the
    provider are left out: they may repeat what it was sent.
    """
    name = account.name
    try:
        with _client(account, patience) as client:
            yield client
    except openai.APIStatusError as error:
        raise refusal(name, error) from None
    except openai.APITimeoutError as error:
        raise ProviderError(_silence(name, error)) from None
    except openai.APIConnectionError as error:
        raise ProviderError(_no_line(name, error)) from None
    except openai.APIError:
        raise ProviderError(f"{name} broke off with an error.") from None
    except (ValueError, TypeError, LookupError, AttributeError, openai.OpenAIError):
        # JSON or UTF-8 that is none, or JSON of some other shape.
        raise ProviderError(f"{name} sent what cannot be read.") from None


def _client(account: Account, patience: Patience) -> openai.OpenAI:
    backend = Backend(
        patience,
        is_secure=account.base_url.startswith("https:"),
        is_trusted=account.is_trusted,
    )
    # Empty rather than absent: the package would look for them in the environment.
    return openai.OpenAI(
        api_key=account.api_key or "none",
        base_url=account.base_url,
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        max_retries=0,
        http_client=httpx2.Client(
            transport=Transport(backend), follow_redirects=False, trust_env=False
        ),
    )


def refusal(name: str, error: openai.APIStatusError) -> Refusal:
    status = error.status_code
    if status in (401, 403):
        text = f"{name} refused the API key ({status})."
    elif status == 404:
        text = f"{name} knows no such model or address (404)."
    elif status == 429:
        text = f"{name} allows no more requests at the moment (429)."
    elif 300 <= status < 400:
        text = f"{name} leads elsewhere ({status}): check the base URL."
    elif status < 500:
        text = f"{name} did not accept the request ({status})."
    else:
        text = f"{name} failed ({status})."
    return Refusal(text, error, is_final=status < 500 and status not in PASSING)


def _silence(name: str, error: Exception) -> str:
    if any(isinstance(one, httpcore2.ConnectTimeout) for one in causes(error)):
        return f"{name} could not be reached within {CONNECT_SECONDS} s."
    return f"{name} was silent for too long."


def _no_line(name: str, error: Exception) -> str:
    for one in causes(error):
        if isinstance(one, Unreached):
            return f"{name} {one}"
    return f"{name} cut the connection."


def causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from an error to what first went wrong."""
    while (cause := error.__cause__) is not None:
        yield cause
        error = cause


def retry_after(headers: Any) -> float | None:
    """Return the seconds a provider asks to wait, or None."""
    text = headers.get("retry-after", "")
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        seconds = float(text)
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    return None
