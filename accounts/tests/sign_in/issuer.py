"""A small OpenID Connect provider on loopback, with signed tokens."""

import base64
import hashlib
import http.client
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
WELL_KNOWN = "/.well-known/openid-configuration"
# A directory is configured by its domain, and calls itself by its id.
DIRECTORY, DIRECTORY_ID = "harbor.example", "7b0a3f0e-2f8e-4f51-9f0e-0d6b6a1c2d3e"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """Who is signed in there, and how its tokens are to be wrong."""

    def __init__(self) -> None:
        self.key = new_key()
        self.url = ""
        self.reset()

    def reset(self) -> None:
        self.claims: dict[str, object] = {
            "sub": "person-1",
            "email": "noor@example.com",
            "email_verified": True,
            "name": "Noor Jansen",
        }
        # What is said to who asks beyond the token; by default the same.
        self.said: dict[str, object] | None = None
        self.wrong: dict[str, object] = {}
        self.signing_key: object = self.key
        self.algorithm, self.kid = "RS256", "1"
        self.named: str | None = None
        self.asked: dict[str, dict[str, str]] = {}
        self.requests: list[str] = []

    def name_at(self, place: str) -> str:
        """Return the issuer that is configured at a path."""
        return self.url + place.replace(DIRECTORY, DIRECTORY_ID)

    def discovery(self, place: str) -> dict[str, object]:
        own = self.url + place
        return {
            "issuer": self.named or self.name_at(place),
            "authorization_endpoint": f"{own}/authorize",
            "token_endpoint": f"{own}/token",
            "userinfo_endpoint": f"{own}/userinfo",
            "jwks_uri": f"{own}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def keys(self) -> dict[str, object]:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [key | {"kid": "1", "alg": "RS256"}]}

    def token(self, place: str, nonce: str | None) -> str:
        now = int(time.time())
        payload = {
            "iss": self.name_at(place),
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 60,
            **({"nonce": nonce} if nonce else {}),
            **self.claims,
            **self.wrong,
        }
        return jwt.encode(
            {name: value for name, value in payload.items() if value is not None},
            self.signing_key,
            algorithm=self.algorithm,
            headers={"kid": self.kid},
        )

    def authorize(self, query: dict[str, str]) -> str:
        """Let the person in, and return where the browser is sent."""
        code = secrets.token_urlsafe(8)
        self.asked[code] = query
        back = urlencode({"code": code, "state": query.get("state", "")})
        return f"{query['redirect_uri']}?{back}"

    def exchange(self, place: str, form: dict[str, str]) -> tuple[int, dict]:
        """Give tokens for a code, to the client that asked and its browser alone."""
        query = self.asked.pop(form.get("code", ""), None)
        is_client = (form.get("client_id"), form.get("client_secret")) == (
            CLIENT_ID,
            CLIENT_SECRET,
        )
        if query is None or not is_client:
            return 400, {"error": "invalid_grant"}
        if form.get("redirect_uri") != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        made = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if made != query.get("code_challenge"):
            return 400, {"error": "invalid_grant"}
        return 200, {
            "access_token": "an-access-token",
            "token_type": "Bearer",
            "id_token": self.token(place, query.get("nonce")),
        }


class Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.issuer.requests.append(parts.path)
        query = {name: each[0] for name, each in parse_qs(parts.query).items()}
        leaf = parts.path.rpartition("/")[2]
        if parts.path.endswith(WELL_KNOWN):
            self.answer(200, self.issuer.discovery(parts.path[: -len(WELL_KNOWN)]))
        elif leaf == "authorize":
            self.send_response(302)
            self.send_header("Location", self.issuer.authorize(query))
            self.end_headers()
        elif leaf == "jwks":
            self.answer(200, self.issuer.keys())
        elif self.headers.get("Authorization") == "Bearer an-access-token":
            self.answer(200, self.issuer.said or self.issuer.claims)
        else:
            self.answer(401, {"error": "invalid_token"})

    def do_POST(self) -> None:
        self.issuer.requests.append(self.path)
        length = int(self.headers.get("Content-Length", 0))
        form = parse_qs(self.rfile.read(length).decode())
        place = self.path.rpartition("/")[0]
        named = {name: each[0] for name, each in form.items()}
        self.answer(*self.issuer.exchange(place, named))

    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args) -> None:
        pass


@contextmanager
def running():
    """Serve an issuer on a free port."""
    issuer = Issuer()
    handler = type("Handler", (Handler,), {"issuer": issuer})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- A browser on its way there and back ------------------------------------
SIGN_IN = "/accounts/oidc/oidc/login/"


def begin(client, path=SIGN_IN):
    """Follow the link of the sign-in page; return the issuer's address for it."""
    response = client.get(path)
    assert response.status_code == 302, response.status_code
    return response["Location"]


def let_in(address):
    """Sign in at the issuer; return where it sends the browser."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request("GET", f"{parts.path}?{parts.query}")
    location = connection.getresponse().headers["Location"]
    connection.close()
    return location


def back(client, location):
    parts = urlsplit(location)
    return client.get(f"{parts.path}?{parts.query}")


def sign_in(client, path=SIGN_IN):
    return back(client, let_in(begin(client, path)))
