"""Where a backend of its own listens, and to whom: TLS off loopback, tokens that are apart."""

import asyncio
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from custom_components.qheat.backend import answers as answers_module
from custom_components.qheat.backend import server as server_module
from custom_components.qheat.backend.__main__ import main
from custom_components.qheat.backend.access import Access, AccessError
from custom_components.qheat.backend.server import InsecureError
from custom_components.qheat.compute.client import BackendError, JobClient
from custom_components.qheat.compute.engine import EngineProblem
from custom_components.qheat.compute.messages import PullRequest
from tests.waiting import until

from .tiny import server_in

pytestmark = pytest.mark.usefixtures("socket_enabled")


HOMES = {"home": "token"}


def certificate(folder: Path) -> Path:
    """Return a file with a certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "backend")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + pem)
    return path


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "localhost", ""])
async def test_beyond_this_machine_it_listens_with_tls_only(tmp_path: Path, host: str) -> None:
    async with server_in(tmp_path, HOMES) as server:
        with pytest.raises(InsecureError):
            await server.listen_tcp(host, 0, None)


async def test_over_tls_the_client_believes_the_right_certificate_only(tmp_path: Path) -> None:
    path = certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=path)
    async with server_in(tmp_path, HOMES) as server:
        port = await server.listen_tcp("127.0.0.1", 0, tls)
        for context in (trusting, ssl.create_default_context()):
            connector = aiohttp.TCPConnector(ssl=context)
            async with aiohttp.ClientSession(connector=connector) as session:
                client = JobClient(session, f"https://127.0.0.1:{port}", "token")
                if context is trusting:
                    assert (await client.account()).currency == "EUR"
                    continue
                with pytest.raises(BackendError) as caught:
                    await client.account()
                assert caught.value.problem is EngineProblem.BACKEND_UNREACHABLE


async def account(port: int) -> int:
    headers = {"Authorization": "Bearer token"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"http://127.0.0.1:{port}/v1/account") as response,
    ):
        return response.status


@pytest.mark.parametrize("before", [b"", b"GET /v1/account HTTP/1.1\r\nHost: x\r\n\r\n"])
@pytest.mark.parametrize("half", [b"", b"POST /v1/leases HTTP/1.1\r\nHost: x\r\n"])
async def test_who_never_ends_his_request_is_hung_up_on_and_who_waits_for_an_answer_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes, half: bytes
) -> None:
    monkeypatch.setattr(server_module, "IDLE_S", 0.5)
    async with server_in(tmp_path, HOMES) as server:
        port = await server.listen_tcp("127.0.0.1", 0, None)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(before + half)
        async with aiohttp.ClientSession() as session, asyncio.timeout(30):
            request = PullRequest(
                radiator_id="r", key="k", count=1, slots=1, slot_w=1.0, wanted_s=1.0
            )
            waiting = JobClient(session, f"http://127.0.0.1:{port}", "token").pull(request, 2)
            answer, told = await asyncio.gather(waiting, reader.read())
        writer.close()
        assert answer.leases == ()
        assert (b" 401 " in told) is bool(before)


@pytest.mark.parametrize(
    ("request_line", "status"), [(b"PUT /v1/leases/l/result", 400), (b"POST /v1/leases", 408)]
)
async def test_what_may_be_large_may_take_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_line: bytes, status: int
) -> None:
    monkeypatch.setattr(answers_module, "_BODY_S", 0.2)
    async with server_in(tmp_path, HOMES) as server:
        port = await server.listen_tcp("127.0.0.1", 0, None)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            request_line + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{"
        )
        await asyncio.sleep(1.0)
        writer.write(b"}")
        assert await reader.readline() == b"HTTP/1.1 %d %s\r\n" % (
            status,
            HTTPStatus(status).phrase.encode(),
        )
        writer.close()


async def test_a_crowd_that_asks_for_nothing_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 5)
    async with server_in(tmp_path, HOMES) as server:
        port = await server.listen_tcp("127.0.0.1", 0, None)
        crowd = []
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /v1/leases HTTP/1.1\r\n")
            crowd.append((reader, writer))
            assert await account(port) == 200
        for reader, _ in crowd[:-5]:
            async with asyncio.timeout(10):
                assert await reader.read() == b""
        assert not crowd[-1][0].at_eof()
        for _, writer in crowd:
            writer.close()


async def test_a_crowd_that_never_reads_its_answers_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 5)
    async with server_in(tmp_path, HOMES) as server:
        port = await server.listen_tcp("127.0.0.1", 0, None)
        crowd = []
        for _ in range(5):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", port))
            one.setblocking(False)
            crowd.append(one)
            one.send(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        assert server._runner is not None
        lines = server._runner.server
        assert lines is not None
        await until(lambda: [one.writing_paused for one in lines.connections] == [True] * 5)
        assert await account(port) == 200
        for one in crowd:
            one.close()


async def test_a_crowd_that_asks_for_nothing_cuts_off_no_answer_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 5)
    body = bytes(8 << 20)
    name = sha256(body).hexdigest()
    async with server_in(tmp_path, HOMES) as server:
        await server.desk.ask(lambda store: store.blobs.upload(name, body, time.time()))
        port = await server.listen_tcp("127.0.0.1", 0, None)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /v1/inputs/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            "Authorization: Bearer token\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        assert await account(port) == 200
        assert await reader.read() == body
        for _, one in [*crowd, (reader, writer)]:
            one.close()


async def test_a_crowd_that_comes_at_once_is_kept_to_the_number_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 5)
    async with server_in(tmp_path, HOMES) as server:
        port = await server.listen_tcp("127.0.0.1", 0, None)
        # The kernel takes them before the loop has had a turn.
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        assert await account(port) == 200
        for one in crowd:
            one.settimeout(0.1)
        assert sum(is_open(one) for one in crowd) <= 5
        for one in crowd:
            one.close()


def is_open(one: socket.socket) -> bool:
    """Tell whether nobody has hung up."""
    try:
        return one.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionResetError:
        return False


@pytest.mark.parametrize(
    ("homes", "submitter"),
    [
        ({"a": "s3cret", "b": "s3cret"}, None),
        ({"a": "s3cret"}, "s3cret"),
        ({"a": ""}, None),
        ({"a": "two words"}, None),
        ({"a": "x" * 513}, None),
        ({"a": "s3cret"}, ""),
        ({"": "s3cret"}, None),
        ({"a b": "s3cret"}, None),
        ({"x" * 65: "s3cret"}, None),
    ],
)
def test_tokens_that_say_not_clearly_who_asks_are_refused_untold(
    homes: dict[str, str], submitter: str | None
) -> None:
    with pytest.raises(AccessError) as caught:
        Access(homes=homes, submitter=submitter)
    assert "s3cret" not in str(caught.value)


def test_tokens_are_not_shown() -> None:
    assert "secret" not in repr(Access(homes={"a": "secret-1"}, submitter="secret-2"))


@pytest.mark.parametrize(
    ("homes", "more", "wrong"),
    [
        ("a token\n\n", ["--listen", "0.0.0.0:0"], "needs TLS"),
        ("a one\na two", ["--listen", "127.0.0.1:0"], "two homes a"),
        ("a", ["--listen", "127.0.0.1:0"], "wrong form"),
        ("\n", ["--listen", "127.0.0.1:0"], "no home"),
        ("a tokön", ["--listen", "127.0.0.1:0"], "wrong form"),
        ("a token", [], "somewhere to listen"),
        ("a token", ["--listen", "127.0.0.1"], "invalid"),
        ("a token", ["--listen", "127.0.0.1:99999"], "invalid"),
        ("a token", ["--listen", "127.0.0.1:0", "--repayment=-0.25"], "--repayment: not an amount"),
        ("a token", ["--listen", "127.0.0.1:0", "--repayment=1e-13"], "--repayment: not an amount"),
        ("a token", ["--listen", "127.0.0.1:0", f"--repayment=0.{'1' * 13}"], "12 decimals"),
        ("a token", ["--listen", "127.0.0.1:0", "--repayment=NaN"], "--repayment: not an amount"),
        ("a token", ["--listen", "127.0.0.1:0", "--currency=eur"], "three capital letters: eur"),
        ("a token", ["--listen", "127.0.0.1:0", "--currency=€"], "three capital letters: €"),
    ],
)
def test_a_backend_told_wrongly_ends_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], homes: str, more: list[str], wrong: str
) -> None:
    (tmp_path / "homes").write_text(homes, encoding="latin-1")
    files = [f"--database={tmp_path / 'jobs.db'}", f"--homes-file={tmp_path / 'homes'}"]
    with pytest.raises(SystemExit) as caught:
        main([*files, *more])
    assert wrong in f"{caught.value.code} {capsys.readouterr().err}"
