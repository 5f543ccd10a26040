"""TLS is spoken with the name, although the connection goes to an address."""

import ssl
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from accounts.outbound.requests import RequestFailed, post

NAME = "hooks.example"


@pytest.fixture
def certificate(tmp_path):
    """A certificate for one name, that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def port(certificate, settings):
    """A server with that certificate, in a network we may reach."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers["Host"].encode())

        def log_message(self, *args):
            """Say nothing."""

    class Server(HTTPServer):
        def handle_error(self, request, client_address):
            """A handshake that fails is what some tests are about."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(10)


def ask(host, port):
    return post(
        f"https://{host}:{port}/hook",
        body=b"{}",
        headers={},
        seconds=10,
        keep_bytes=100,
        resolver=lambda *_: ["127.0.0.1"],
    )


def test_the_certificate_must_be_the_names_not_the_addresss(
    port, certificate, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    answer = ask(NAME, port)
    assert (answer.status, answer.body) == (200, f"{NAME}:{port}".encode())
    with pytest.raises(RequestFailed, match="No secure connection: Hostname mismatch"):
        ask("other.example", port)


def test_a_certificate_nobody_vouches_for_is_refused(port):
    with pytest.raises(RequestFailed, match="No secure connection: self-signed"):
        ask(NAME, port)
