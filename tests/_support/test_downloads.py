"""Downloads: which fault keeps a file away, and what the sentence says to do."""

import ssl
import subprocess
from urllib.parse import urlsplit

import pytest
import requests

from course_utils._support import downloads

NOBODY = "127.0.0.1:9"  # the port "discard", where nobody listens
SOMEWHERE = "https://example.invalid/file"


@pytest.fixture(autouse=True)
def no_settings(direct, monkeypatch):
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def secure(serve, tmp_path):
    """The port of a server whose certificate nobody has signed, and the certificate."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {cert} "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    address, _ = serve(b"content", context=context)
    return urlsplit(address).port, cert


def fails(url, path, *words):
    """The download fails with one line that says all of the words; returns it."""
    with pytest.raises(downloads.DownloadError) as caught:
        downloads.fetch(url, path / "file")
    said = str(caught.value)
    assert "\n" not in said
    for word in words:
        assert word in said
    assert not [name for name in path.iterdir() if name.suffix not in (".pem", "")]
    assert not (path / "file").exists()
    return said


def test_a_certificate_that_nobody_trusts(secure, tmp_path):
    port, _ = secure
    said = fails(
        f"https://localhost:{port}/",
        tmp_path,
        "certificate of localhost cannot be trusted (self-signed certificate)",
        "REQUESTS_CA_BUNDLE",
    )
    assert "no network" not in said


def test_a_certificate_that_the_user_trusts(secure, tmp_path, monkeypatch):
    port, cert = secure
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cert))
    path = downloads.fetch(f"https://localhost:{port}/", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert path == str(tmp_path / "file")
    other = f"https://127.0.0.1:{port}/"  # the certificate is of another name
    (tmp_path / "file").unlink()
    fails(other, tmp_path, "certificate of 127.0.0.1 cannot be trusted", "mismatch")


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_file_of_certificates_that_is_none(
    secure, tmp_path, monkeypatch, variable, there
):
    bundle = tmp_path / "bundle.pem"
    if there:
        bundle.write_text("nonsense", encoding="utf-8")
    monkeypatch.setenv(variable, str(bundle))
    words = "file of trusted certificates cannot be used", variable
    fails(f"https://localhost:{secure[0]}/", tmp_path, *words)


def test_a_server_that_does_not_speak_tls(serve, tmp_path):
    port = urlsplit(serve(b"content")[0]).port
    fails(f"https://127.0.0.1:{port}/", tmp_path, "no secure connection to 127.0.0.1")


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("proxy", "reason"),
    [
        (f"http://name:secret@{NOBODY}", "refused"),
        (f"https://{NOBODY}", "refused"),
        ("http://proxy.invalid:3128", "proxy.invalid"),
        (f"foo://{NOBODY}", "scheme foo"),
        ("http://:9", "malformed"),
        ("http://name:secret@127.0.0.1:port", "not a valid host or port"),
    ],
)
def test_a_proxy_that_is_wrong(tmp_path, monkeypatch, variable, proxy, reason):
    monkeypatch.setenv(variable, proxy)
    shown = proxy.rpartition("@")[2]
    words = f"the proxy {shown} does not let example.invalid through", "its address in"
    said = fails(SOMEWHERE, tmp_path, *words)
    assert reason in said
    assert "secret" not in said and "no network" not in said


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password(serve, tmp_path, monkeypatch, scheme):
    address, _ = serve(b"who are you", status=407)
    monkeypatch.setenv(f"{scheme}_proxy", address.replace("//", "//name:secret@"))
    said = fails(
        f"{scheme}://example.invalid/file",
        tmp_path,
        "asks for a name and password (407)",
        "name:password@host:port",
    )
    assert "secret" not in said


def test_a_proxy_that_refuses(serve, tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", serve(b"no", status=403)[0])
    fails(SOMEWHERE, tmp_path, "does not let example.invalid through", "403 Forbidden")


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_a_socks_proxy_without_its_package(tmp_path, monkeypatch, scheme):
    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", without_pysocks)
    monkeypatch.setenv("https_proxy", f"{scheme}://{NOBODY}")
    said = fails(SOMEWHERE, tmp_path, f"{scheme}://{NOBODY}", "pip install pysocks")
    assert "damaged" not in said


def without_pysocks(*args, **kwargs):
    """What requests has instead of the package."""
    raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")


def test_after_a_fault_the_next_try_asks_again(serve, tmp_path, monkeypatch):
    address, asked = serve(b"content")
    monkeypatch.setenv("http_proxy", f"http://{NOBODY}")
    fails(address, tmp_path, "the proxy")
    monkeypatch.delenv("http_proxy")
    downloads.fetch(address, tmp_path / "file")
    assert asked == ["/"]


def test_no_network_is_said_to_be_that(tmp_path):
    fails("https://nowhere.invalid/", tmp_path, "nowhere.invalid cannot be reached")
    fails(f"http://{NOBODY}/", tmp_path, "(no network?)")
