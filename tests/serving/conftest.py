"""A registry with small models, built once, and services on it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import mlflow
import pytest

from forecasting.forecaster.forecaster import Forecaster

FOLDER = Path(__file__).parent
PACKAGES = FOLDER.parents[1]
TIMEOUT_SECONDS = 180.0  # a busy machine may be slow


class Running:
    """A running service: its address, process, log and standard error."""

    def __init__(self, url, process, log, stderr):
        self.url, self.process, self.log, self.stderr = url, process, log, stderr
        self.client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)

    def forecast(self, name="waves", body=None, **query):
        return self.client.post(
            f"/v1/models/{name}/forecast", json=body or {}, params=query
        )

    def explain(self, name="waves", body=None, **query):
        return self.client.post(
            f"/v1/models/{name}/explain", json=body or {}, params=query
        )

    def lines(self, message=None):
        """Return the log's lines of JSON, or those with one message."""
        complete = self.log.read_text().split("\n")[:-1]
        lines = [json.loads(line) for line in complete]
        return [line for line in lines if message in (None, line["message"])]

    def wait_for(self, condition, seconds=TIMEOUT_SECONDS):
        """Wait until a condition returns a true value, and return that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            result = condition()
            if result:
                return result
            assert self.process.poll() is None, self.output()
            time.sleep(0.05)
        raise AssertionError(f"it never held:\n{self.output()}")

    def requests(self, request_id):
        """Wait for the lines of the requests with an id: they follow the answer."""

        def lines():
            return [r for r in self.lines("request") if r["request_id"] == request_id]

        return self.wait_for(lines)

    def output(self):
        """Return log and standard error of the service, without request lines."""
        log = self.log.read_text().splitlines()
        events = [line for line in log if '"message": "request"' not in line]
        return "\n".join([*events, self.stderr.read_text()])

    def readyz(self):
        return self.client.get("/readyz").json()


def make_environment(uri, **settings):
    """Return the environment of a service; None for no registry by a variable."""
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": uri,
        "PYTHONPATH": str(PACKAGES),
        "OMP_NUM_THREADS": "1",
        "SERVING_POLL_SECONDS": "0.1",
        **{f"SERVING_{name.upper()}": str(value) for name, value in settings.items()},
    }
    return {name: value for name, value in environment.items() if value is not None}


def find_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def run_service(uri, folder, arguments=(), prefix=(), **settings):
    """Run a service until the block ends; it answers /livez when the block begins."""
    port = find_free_port()
    log, stderr = folder / f"service-{port}.log", folder / f"service-{port}.stderr"
    with log.open("w") as output, stderr.open("w") as errors:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "serving", "--port", str(port), *arguments],
            cwd=folder,
            env=make_environment(uri, **settings),
            stdout=output,
            stderr=errors,
        )
    service = Running(f"http://127.0.0.1:{port}", process, log, stderr)
    try:
        service.wait_for(lambda: is_alive(service.client), TIMEOUT_SECONDS)
        yield service
    finally:
        service.client.close()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=TIMEOUT_SECONDS)


@contextmanager
def run_tracking(database, folder, port):
    """Run an MLflow server on a SQLite file until the block ends."""
    with (folder / f"mlflow-{port}.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--workers", "1"],
            cwd=folder,
            env=make_environment("")
            | {
                "MLFLOW_PORT": str(port),
                "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{database}",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + TIMEOUT_SECONDS
        with httpx.Client() as client:
            while not is_healthy(client, port):
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=TIMEOUT_SECONDS)


def is_healthy(client, port):
    try:
        return client.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.TransportError:
        return False


def is_alive(client):
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def check_problem(response, status, kind, text="", loc=None):
    """Check the shape, kind and text of an error, and that it has no secrets."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail", "errors"} <= set(problem)
    assert problem["status"] == status
    assert problem["type"] == f"urn:recast:problem:{kind}"
    assert problem["title"]
    assert text in problem["detail"], problem["detail"]
    for flaw in problem["errors"]:
        assert set(flaw) == {"loc", "msg"}
    if loc is not None:
        assert loc in [flaw["loc"] for flaw in problem["errors"]], problem["errors"]
    for secret in ("Traceback", "/tmp", ".py", "site-packages", "sqlite"):
        assert secret not in response.text
    return problem


class RegistryCopy:
    """A copy of the registry for one test."""

    def __init__(self, path):
        self.path = path
        self.uri = f"sqlite:///{path}"

    @property
    def client(self):
        return mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder with the registry and the models in it."""
    folder = tmp_path_factory.mktemp("registry")
    done = subprocess.run(
        [sys.executable, FOLDER / "build_registry.py", folder],
        env=make_environment(""),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def copy_registry(built):
    """Makes a copy of the registry: ``copy_registry(folder)``."""

    def copy(folder):
        return RegistryCopy(Path(shutil.copy(built / "mlflow.db", folder)))

    return copy


@pytest.fixture
def registry(copy_registry, tmp_path):
    """A copy of the registry that a test may change."""
    return copy_registry(tmp_path)


@pytest.fixture(scope="session")
def service(built, tmp_path_factory):
    """A service on the registry with small limits; tests must not change its state."""
    with run_service(
        f"sqlite:///{built}/mlflow.db",
        tmp_path_factory.mktemp("service"),
        poll_seconds=0.5,  # nothing moves, and each read takes time of other tests
        max_body_bytes=100_000,
        max_series=20,
        max_points=3000,
        max_horizon=100,
    ) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        yield service


@pytest.fixture(scope="session")
def library(built):
    """The same models in this process, by name and version."""
    folders = {
        ("waves", "1"): "waves-1",
        ("waves", "2"): "waves-2",
        ("my steps", "1"): "steps-1",
    }
    return {
        key: Forecaster.load(built / name, device="cpu")
        for key, name in folders.items()
    }


@pytest.fixture(scope="session")
def running():
    """Runs a service: ``with running(uri, folder, **settings) as service``."""
    return run_service


@pytest.fixture(scope="session")
def tracking():
    """Runs an MLflow server: ``with tracking(database, folder, port)``."""
    return run_tracking


@pytest.fixture(scope="session")
def serving(copy_registry):
    """Runs a service with one more model: ``serving(name, forecaster, folder)``."""

    @contextmanager
    def serve(name, forecaster, folder, **settings):
        registry = copy_registry(folder)
        forecaster.save(folder / "model")
        mlflow.pyfunc.save_model(
            folder / "logged",
            loader_module="forecasting.pyfunc",
            data_path=str(folder / "model"),
            pip_requirements=["torch"],
        )
        registry.client.create_registered_model(name)
        registry.client.create_model_version(name, (folder / "logged").as_uri())
        registry.client.set_registered_model_alias(name, "champion", "1")
        with run_service(registry.uri, folder, **settings) as service:
            service.wait_for(lambda: service.readyz().get("state") == "ready")
            yield service

    return serve


@pytest.fixture
def environment():
    """Makes the environment of a service: ``environment(uri, **settings)``."""
    return make_environment


@pytest.fixture
def free_port():
    """A port without a listener."""
    return find_free_port()


@pytest.fixture
def assert_problem():
    """Checks an answer that is an error."""
    return check_problem


@pytest.fixture(scope="session")
def hostile(library):
    """A series id with markup and quotes."""
    return library["waves", "1"].trained.context.series_ids[1]
