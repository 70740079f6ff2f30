"""The web.config.file: what is accepted, and that everything else is refused by file and key."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.webconfig import RateLimit, WebConfig, load
from toolkit.yamlfile import FileError

CERTIFICATES = Path(__file__).parent / "certificates"
TLS = f"tls_server_config:\n  cert_file: {CERTIFICATES}/server.crt\n  key_file: {CERTIFICATES}/server.key\n"
HASH = "$2b$04$" + "a" * 53


def read(content: str, path: Path = Path("web.yml")) -> WebConfig:
    return load(path, content.encode())


def test_an_empty_file_serves_plainly() -> None:
    assert read("") == WebConfig(files=(Path("web.yml"),))
    assert read("basic_auth_users:\n") == WebConfig(files=(Path("web.yml"),))


def test_everything_together() -> None:
    config = read(
        TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
        f"  client_ca_file: {CERTIFICATES}/client.crt\n"
        "  client_allowed_sans: [client.larimar.test]\n"
        "  min_version: TLS13\n"
        "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n"
        "  prefer_server_cipher_suites: true\n"
        "http_server_config:\n  http2: false\n  headers:\n    x-frame-options: deny\n"
        f"basic_auth_users:\n  alice: {HASH}\n"
        "rate_limit:\n  interval: 500ms\n  burst: 20\n"
    )
    assert config.tls is not None
    assert config.tls.minimum_version is ssl.TLSVersion.TLSv1_3
    assert config.tls.verify_mode is ssl.CERT_REQUIRED
    assert config.allowed_names == {"client.larimar.test"}
    assert config.headers == (("X-Frame-Options", "deny"),)
    assert config.users == {"alice": HASH}
    assert config.rate_limit == RateLimit(0.5, 20)
    assert [path.name for path in config.files] == ["web.yml", "server.crt", "server.key", "client.crt"]


def test_files_are_relative_to_the_configuration(tmp_path: Path) -> None:
    for name in ("server.crt", "server.key"):
        (tmp_path / name).write_bytes((CERTIFICATES / name).read_bytes())
    content = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
    assert read(content, tmp_path / "web.yml").tls is not None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("tls: {}", "tls: unknown key"),
        ("- a", "file: a mapping is needed"),
        ("tls_server_config: {cert_fil: x}", "tls_server_config.cert_fil: unknown key"),
        ("tls_server_config: {cert_file: x}", "tls_server_config.key_file: missing"),
        ("tls_server_config: {key_file: x}", "tls_server_config.cert_file: missing"),
        ("tls_server_config: {cert: x}", "tls_server_config.cert: not supported: use cert_file"),
        ("tls_server_config: {cert_file: no, key_file: no}", "tls_server_config.cert_file: no: No such file"),
        (TLS.replace("server.key", "client.key"), "tls_server_config.cert_file: "),
        (TLS.replace("server.crt", "make.sh"), "tls_server_config.cert_file: "),
        (TLS + "  min_version: TLS10", "tls_server_config.min_version: 'TLS10' is not one of TLS12, TLS13"),
        (TLS + "  min_version: TLS13\n  max_version: TLS12", "tls_server_config.max_version: less than min_version"),
        (TLS + "  client_auth_type: RequestClientCert", "tls_server_config.client_auth_type: 'RequestClientCert'"),
        (TLS + "  client_auth_type: RequireAndVerifyClientCert", "tls_server_config.client_ca_file: goes with"),
        (TLS + f"  client_ca_file: {CERTIFICATES}/client.crt", "tls_server_config.client_ca_file: goes with"),
        (TLS + "  client_allowed_sans: [a]", "tls_server_config.client_allowed_sans: needs"),
        (TLS + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]", "tls_server_config.cipher_suites: 'TLS_RSA_WITH_RC4"),
        (TLS + "  cipher_suites: x", "tls_server_config.cipher_suites: a list is needed"),
        (TLS + "  prefer_server_cipher_suites: maybe", "tls_server_config.prefer_server_cipher_suites: 'maybe'"),
        ("http_server_config: {headers: {X-Other: a}}", "http_server_config.headers.X-Other: not one of"),
        ('http_server_config: {headers: {X-Frame-Options: "a\\r\\nb"}}', "X-Frame-Options: not printable ASCII"),
        ("http_server_config: {http3: true}", "http_server_config.http3: unknown key"),
        ("basic_auth_users: {alice: hunter2}", "basic_auth_users.alice: not a bcrypt hash"),
        ("basic_auth_users: [alice]", "basic_auth_users: a mapping is needed"),
        (f"basic_auth_users: {{'a:b': {HASH}}}", "basic_auth_users.a:b: a user name has a colon"),
        ("rate_limit: {interval: soon}", "rate_limit.interval: 'soon' is not a duration"),
        ("rate_limit: {interval: 1s, burst: 0}", "rate_limit.burst: '0' is less than 1"),
    ],
)
def test_what_cannot_be_used_is_named(content: str, reason: str) -> None:
    with pytest.raises(FileError) as caught:
        read(content)
    assert str(caught.value).startswith("web.yml: ")
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_configuration_or_refused(content: bytes) -> None:
    try:
        load(Path("web.yml"), content)
    except FileError as error:
        message = str(error)
    else:
        return
    assert message.startswith("web.yml: ")
