"""The registry is an MLflow server that is slow, dies, and comes back."""

import socket
import threading
import time

import pytest


class Proxy:
    """A proxy that passes bytes on to a port after a delay."""

    def __init__(self, port):
        self.port, self.delay = port, 0.0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                client.close()
                continue
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source, target):
        try:
            while data := source.recv(65536):
                time.sleep(self.delay)
                target.sendall(data)
        except OSError:
            pass
        finally:
            source.close()
            target.close()


@pytest.fixture
def proxy(free_port):
    proxy = Proxy(free_port)
    yield proxy
    proxy.listener.shutdown(socket.SHUT_RDWR)
    proxy.listener.close()


def version_of(service):
    return service.forecast().json()["model"]["version"]


@pytest.mark.slow
def test_a_registry_that_is_slow_dies_and_comes_back_costs_no_request(
    registry, tmp_path, running, tracking, proxy, assert_problem
):
    cache = tmp_path / "cache"
    with (
        tracking(registry.path, tmp_path, proxy.port),
        running(proxy.uri, tmp_path, cache_dir=cache) as service,
    ):
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        proxy.delay = 0.3
        registry.client.set_registered_model_alias("waves", "champion", "2")
        slow = forecast_until(service, lambda: version_of(service) == "2")
    with (
        running(proxy.uri, tmp_path, cache_dir=cache) as service,
        running(proxy.uri, tmp_path) as bare,
    ):
        degraded, unavailable = service.readyz(), bare.readyz()
        version, refused = version_of(service), bare.forecast()
        registry.client.set_registered_model_alias("waves", "champion", "1")
        proxy.delay = 0.0
        with tracking(registry.path, tmp_path, proxy.port):
            for process in (service, bare):
                process.wait_for(lambda p=process: p.readyz()["state"] == "ready")
            after = version_of(service), version_of(bare)
        away = forecast_until(service, lambda: service.readyz()["state"] == "degraded")

    assert set(slow) == set(away) == {200}
    assert (degraded["state"], degraded["models"]) == ("degraded", 3)
    assert (unavailable["state"], version) == ("unavailable", "2")
    assert_problem(refused, 503, "not-ready", "has not answered yet")
    assert after == ("1", "1")


def forecast_until(service, condition):
    """Request forecasts, at least one, until the condition holds; return statuses."""
    statuses, end = [service.forecast().status_code], time.monotonic() + 180
    while not condition():
        assert time.monotonic() < end, service.output()
        statuses.append(service.forecast().status_code)
    return statuses
