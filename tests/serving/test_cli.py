"""``python -m serving``: address on start, clear refusals, clean stop."""

import json
import signal
import socket
import subprocess
import sys

import pytest

from serving.http.api_keys import hash_key


@pytest.fixture
def serve(environment, tmp_path):
    def run(*arguments, **settings):
        return subprocess.run(
            [sys.executable, "-m", "serving", *arguments],
            cwd=tmp_path,
            env=environment("sqlite:///mlflow.db", **settings),
            capture_output=True,
            text=True,
            timeout=180,
        )

    return run


def test_a_port_in_use_is_reported_in_one_line(serve):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        done = serve("--port", str(port))

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: cannot listen on 127.0.0.1, port {port}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (("--port", "70000"), {}, "65535"),
        (("--port", "many"), {}, "valid integer"),
        (
            ("--host", "no such host"),
            {"allow_anonymous": "true"},
            "cannot listen on no such host",
        ),
        ((), {"port": "many"}, "port: Input should be a valid integer"),
        ((), {"max_horizon": "0"}, "max_horizon: Input should be greater than"),
        (("--host", "0.0.0.0"), {}, "host must be 127.0.0.1 as long as"),
        ((), {"api_keys": "{"}, "api_keys: Value error, this is not JSON"),
        ((), {"api_keys": '{"a": "secret"}'}, "api_keys.a.key: String should match"),
        ((), {"api_keys_file": "none"}, "api_keys_file must be a file of JSON"),
        ((), {"rate_limit": "often"}, "expected one rate such as 100/second"),
        ((), {"rate_limit": "9/second;99/hour"}, "expected one rate such as"),
        ((), {"rate_limit": "0/second"}, "expected one rate such as"),
        (("--new-key", "a b"), {}, "1 to 64 letters, digits"),
    ],
)
def test_invalid_arguments_and_settings_are_refused(
    serve, tmp_path, arguments, settings, message
):
    done = serve(*arguments, **settings)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_new_key_is_shown_once_with_its_hash_for_the_settings(serve):
    done = serve("--new-key", "alice")

    key, setting = (
        line.split(":  ", 1)[1].strip() for line in done.stdout.splitlines()
    )
    assert done.returncode == 0
    assert json.loads(setting) == {"alice": hash_key(key)}


def test_sigterm_lets_requests_that_have_begun_end(registry, tmp_path, running):
    body = b'{"horizon": 2}'
    head = (
        "POST /v1/models/waves/forecast HTTP/1.1\r\nHost: localhost\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        port = int(service.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=180) as connection:
            connection.sendall(head.encode())
            begun = connection.recv(1000)
            service.process.send_signal(signal.SIGTERM)
            service.wait_for(lambda: service.lines("Shutting down"))
            connection.sendall(body)
            answer = b"".join(iter(lambda: connection.recv(10_000), b""))
        service.process.wait(timeout=180)

    assert begun.startswith(b"HTTP/1.1 100")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b'"point":') == 2
    assert service.process.returncode == 0
    assert service.stderr.read_text() == (
        f"Recast at {service.url}  API: {service.url}/docs  MLflow: {registry.uri}\n"
    )
