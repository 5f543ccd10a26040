"""A small OpenID Connect provider on loopback, with signed tokens."""

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "youragent", "a-secret-of-the-client"


class Issuer:
    """Who is signed in there, and how its tokens are to be wrong."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims = {
            "sub": "person-1",
            "email": "noor@example.com",
            "email_verified": True,
            "name": "Noor Jansen",
        }
        self.wrong: dict[str, object] = {}
        self.asked: dict[str, dict[str, str]] = {}
        self.requests: list[str] = []
        self.url = ""

    def token(self, nonce: str | None) -> str:
        now = int(time.time())
        payload = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 60,
            **self.claims,
        }
        if nonce:
            payload["nonce"] = nonce
        return jwt.encode(
            payload | self.wrong, self.key, algorithm="RS256", headers={"kid": "1"}
        )

    def authorize(self, query: dict[str, str]) -> str:
        """Let the person in, and return where the browser is sent."""
        code = secrets.token_urlsafe(8)
        self.asked[code] = query
        back = urlencode({"code": code, "state": query.get("state", "")})
        return f"{query['redirect_uri']}?{back}"

    def exchange(self, form: dict[str, str]) -> tuple[int, dict]:
        """Give tokens for a code, to the client that asked and its browser alone."""
        query = self.asked.pop(form.get("code", ""), None)
        is_client = (form.get("client_id"), form.get("client_secret")) == (
            CLIENT_ID,
            CLIENT_SECRET,
        )
        if query is None or not is_client:
            return 400, {"error": "invalid_grant"}
        if challenge := query.get("code_challenge"):
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            made = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if made != challenge:
                return 400, {"error": "invalid_grant"}
        return 200, {
            "access_token": "an-access-token",
            "token_type": "Bearer",
            "id_token": self.token(query.get("nonce")),
        }


@contextmanager
def running():
    """Serve an issuer on a free port."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            issuer.requests.append(parts.path)
            query = {name: each[0] for name, each in parse_qs(parts.query).items()}
            if parts.path == "/.well-known/openid-configuration":
                self.answer(200, discovery(issuer))
            elif parts.path.endswith("/authorize"):
                self.send_response(302)
                self.send_header("Location", issuer.authorize(query))
                self.end_headers()
            elif parts.path == "/jwks":
                key = jwt.algorithms.RSAAlgorithm.to_jwk(
                    issuer.key.public_key(), as_dict=True
                )
                self.answer(200, {"keys": [key | {"kid": "1", "alg": "RS256"}]})
            elif self.headers.get("Authorization") == "Bearer an-access-token":
                self.answer(200, issuer.claims)
            else:
                self.answer(401, {"error": "invalid_token"})

        def do_POST(self):
            issuer.requests.append(self.path)
            length = int(self.headers.get("Content-Length", 0))
            form = parse_qs(self.rfile.read(length).decode())
            self.answer(*issuer.exchange({n: each[0] for n, each in form.items()}))

        def answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def discovery(issuer: Issuer) -> dict:
    return {
        "issuer": issuer.url,
        "authorization_endpoint": f"{issuer.url}/authorize",
        "token_endpoint": f"{issuer.url}/token",
        "userinfo_endpoint": f"{issuer.url}/userinfo",
        "jwks_uri": f"{issuer.url}/jwks",
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }
