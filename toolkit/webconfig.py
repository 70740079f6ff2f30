"""The ecosystem's web.config.file: TLS, headers, basic auth and a rate limit for an HTTP server.

Keys and meaning are those of github.com/prometheus/exporter-toolkit (docs/web-configuration.md). What Python's ssl
cannot do is refused by name rather than ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from toolkit import values
from toolkit.yamlfile import FileError, parse_yaml

if TYPE_CHECKING:
    import ssl

V = TypeVar("V")

_SECTIONS = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
_HEADERS = {
    name.lower(): name
    for name in (
        "Content-Security-Policy",
        "Strict-Transport-Security",
        "X-Content-Type-Options",
        "X-Frame-Options",
        "X-XSS-Protection",
    )
}
_CLIENT_AUTH = {
    "NoClientCert": "CERT_NONE",
    "VerifyClientCertIfGiven": "CERT_OPTIONAL",
    "RequireAndVerifyClientCert": "CERT_REQUIRED",
}
_VERSIONS = {"TLS12": "TLSv1_2", "TLS13": "TLSv1_3"}
_CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
_CIPHERS_OF_TLS13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
_TLS_KEYS = (
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
)
_UNSUPPORTED_TLS_KEYS = {
    "cert": "use cert_file",
    "key": "use key_file",
    "client_ca": "use client_ca_file",
    "curve_preferences": "OpenSSL's own order is used",
}
_BCRYPT = re.compile(r"\$2[abxy]\$(0[4-9]|1[0-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{53}")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many requests are served: one per interval, and `burst` at once."""

    interval_seconds: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How to serve.

    Attributes:
        tls: None for plain HTTP.
        allowed_names: where not empty, a client certificate must carry one of these subject alternative names.
        headers: added to every response.
        users: bcrypt hashes by user name; empty where anybody may read.
        rate_limit: None where there is none.
        files: every file whose content went into this.
    """

    tls: "ssl.SSLContext | None" = None
    allowed_names: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    users: Mapping[str, str] = field(default_factory=dict)
    rate_limit: RateLimit | None = None
    files: tuple[Path, ...] = ()


def load(path: Path, content: bytes) -> WebConfig:
    """Read a web.config.file and the certificates that it names, relative to its folder.

    Raises:
        FileError: names the file, the key and the reason; never quotes a hash.
    """
    return _Reader(path).read(parse_yaml(path, content))


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def _fail(self, key: str, reason: str) -> NoReturn:
        raise FileError(f"{self._path}: {key}: {reason}")

    def _mapping(self, key: str, node: object, allowed: tuple[str, ...] | None = None) -> dict[str, object]:
        if node == "":
            return {}
        if not isinstance(node, dict):
            self._fail(key, "a mapping is needed")
        for name in node:
            if allowed is not None and name not in allowed:
                self._fail(f"{key}.{name}" if key != "file" else name, "unknown key")
        return node

    def _text(self, key: str, node: object) -> str:
        if not isinstance(node, str) or not node:
            self._fail(key, "one plain value is needed")
        return node

    def _texts(self, key: str, node: object) -> list[str]:
        if not isinstance(node, list):
            self._fail(key, "a list is needed")
        return [self._text(key, part) for part in node]

    def read(self, node: object) -> WebConfig:
        sections = self._mapping("file", node, _SECTIONS)
        tls = self._mapping("tls_server_config", sections.get("tls_server_config", ""))
        files = tuple(self._file(tls, key) for key in ("cert_file", "key_file", "client_ca_file") if key in tls)
        return WebConfig(
            self._tls(tls) if tls else None,
            frozenset(self._texts("tls_server_config.client_allowed_sans", tls.get("client_allowed_sans", []))),
            self._headers(sections.get("http_server_config", "")),
            self._users(sections.get("basic_auth_users", "")),
            self._rate_limit(sections.get("rate_limit", "")),
            (self._path, *files),
        )

    def _file(self, tls: Mapping[str, object], key: str) -> Path:
        return self._path.parent / self._text(f"tls_server_config.{key}", tls[key])

    def _choice(self, tls: Mapping[str, object], key: str, default: str, allowed: Mapping[str, V]) -> V:
        text = self._text(f"tls_server_config.{key}", tls.get(key, default))
        if text not in allowed:
            self._fail(f"tls_server_config.{key}", f"{text!r} is not one of {', '.join(allowed)}")
        return allowed[text]

    def _tls(self, tls: Mapping[str, object]) -> "ssl.SSLContext":
        import ssl  # noqa: PLC0415  # it brings OpenSSL, four megabytes that most do without

        for key in tls:
            if key in _UNSUPPORTED_TLS_KEYS:
                self._fail(f"tls_server_config.{key}", f"not supported: {_UNSUPPORTED_TLS_KEYS[key]}")
            if key not in _TLS_KEYS:
                self._fail(f"tls_server_config.{key}", "unknown key")
        for key in ("cert_file", "key_file"):
            if key not in tls:
                self._fail(f"tls_server_config.{key}", "missing")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        context.minimum_version = ssl.TLSVersion[self._choice(tls, "min_version", "TLS12", _VERSIONS)]
        context.maximum_version = ssl.TLSVersion[self._choice(tls, "max_version", "TLS13", _VERSIONS)]
        if context.maximum_version < context.minimum_version:
            self._fail("tls_server_config.max_version", "less than min_version")
        if self._boolean("tls_server_config.prefer_server_cipher_suites", tls, default=True):
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        self._ciphers(context, tls)
        self._certificate(context, tls)
        self._clients(context, tls)
        return context

    def _boolean(self, key: str, node: Mapping[str, object], *, default: bool) -> bool:
        try:
            return values.boolean(self._text(key, node.get(key.rpartition(".")[2], str(default))))
        except ValueError as error:
            self._fail(key, str(error))

    def _ciphers(self, context: "ssl.SSLContext", tls: Mapping[str, object]) -> None:
        names = self._texts("tls_server_config.cipher_suites", tls.get("cipher_suites", []))
        for name in names:
            if name not in _CIPHERS and name not in _CIPHERS_OF_TLS13:
                self._fail("tls_server_config.cipher_suites", f"{name!r} is unknown or insecure")
        old = [_CIPHERS[name] for name in names if name in _CIPHERS]
        if old:
            context.set_ciphers(":".join(old))

    def _certificate(self, context: "ssl.SSLContext", tls: Mapping[str, object]) -> None:
        certificate, key = self._file(tls, "cert_file"), self._file(tls, "key_file")
        for name, path in (("cert_file", certificate), ("key_file", key)):
            self._readable(f"tls_server_config.{name}", path)
        try:
            context.load_cert_chain(certificate, key, password=lambda: b"")  # never ask on the terminal
        except OSError as error:  # ssl.SSLError is one
            reason = getattr(error, "reason", None) or "not a certificate and its key"
            self._fail("tls_server_config.cert_file", f"{certificate} with {key}: {reason}")

    def _readable(self, key: str, path: Path) -> None:
        try:
            path.open("rb").close()
        except OSError as error:
            self._fail(key, f"{path}: {error.strerror}")

    def _clients(self, context: "ssl.SSLContext", tls: Mapping[str, object]) -> None:
        mode = self._choice(tls, "client_auth_type", "NoClientCert", _CLIENT_AUTH)
        context.verify_mode = type(context.verify_mode)[mode]
        wanted = mode != "CERT_NONE"
        if wanted != ("client_ca_file" in tls):
            self._fail(
                "tls_server_config.client_ca_file", "goes with a client_auth_type that verifies, and only with it"
            )
        if "client_allowed_sans" in tls and mode != "CERT_REQUIRED":
            self._fail("tls_server_config.client_allowed_sans", "needs client_auth_type RequireAndVerifyClientCert")
        if wanted:
            path = self._file(tls, "client_ca_file")
            self._readable("tls_server_config.client_ca_file", path)
            try:
                context.load_verify_locations(path)
            except OSError:  # ssl.SSLError is one
                self._fail("tls_server_config.client_ca_file", f"{path}: not a certificate")

    def _headers(self, node: object) -> tuple[tuple[str, str], ...]:
        section = self._mapping("http_server_config", node, ("headers", "http2"))
        self._boolean("http_server_config.http2", section, default=True)  # HTTP/1.1 is spoken either way
        headers = self._mapping("http_server_config.headers", section.get("headers", ""))
        found = []
        for name, value in headers.items():
            key = f"http_server_config.headers.{name}"
            if name.lower() not in _HEADERS:
                self._fail(key, f"not one of {', '.join(_HEADERS.values())}")
            content = self._text(key, value)
            if not content.isprintable() or not content.isascii():
                self._fail(key, "not printable ASCII")
            found.append((_HEADERS[name.lower()], content))
        return tuple(found)

    def _users(self, node: object) -> dict[str, str]:
        found = {}
        for user, value in self._mapping("basic_auth_users", node).items():
            if not isinstance(value, str) or not _BCRYPT.fullmatch(value):
                self._fail(f"basic_auth_users.{user}", "not a bcrypt hash")
            if not user or ":" in user:
                self._fail(f"basic_auth_users.{user}", "a user name has a colon or is empty")
            found[user] = value
        return found

    def _rate_limit(self, node: object) -> RateLimit | None:
        section = self._mapping("rate_limit", node, ("interval", "burst"))
        if not section:
            return None
        try:
            interval = values.duration_seconds(self._text("rate_limit.interval", section.get("interval", "0")))
        except ValueError as error:
            self._fail("rate_limit.interval", str(error))
        try:
            burst = values.within(values.whole_number, 1)(self._text("rate_limit.burst", section.get("burst", "1")))
        except ValueError as error:
            self._fail("rate_limit.burst", str(error))
        return RateLimit(interval, burst) if interval > 0 else None
