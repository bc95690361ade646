"""The command ``recast serve``: starts the service and its worker processes."""

import gc
import math
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI

    from serving.settings import Settings
EXIT_SECONDS = 5  # maximum delay of the exit by a registry that does not answer


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.  [127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0 takes a free one.  [8000]"),
    ] = None,
    new_key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Make an API key, show it, and end."),
    ] = None,
    may: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PERMISSION",
            help="Permission of the new key, beside those to forecast and to read: "
            "promote or train; repeat the option for both.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that answer, on one port.")
    ] = 1,
) -> None:
    """Serve forecasts over HTTP, and a page that shows them.

    Other settings are environment variables SERVING_*; the registry is where
    MLFLOW_TRACKING_URI says.
    """
    from pydantic import ValidationError

    from forecasting.errors import SettingError
    from serving.http.api_keys import check_exposure
    from serving.settings import Settings

    if new_key is not None:
        _print_new_key(new_key, may or [])
        return
    if may:
        _exit_with_error("--may: it needs --new-key NAME, whose permissions it sets.")
    for name, value in (("SERVING_HOST", host), ("SERVING_PORT", port)):
        if value is not None:
            os.environ[name] = str(value)  # for the processes that answer, too
    try:
        settings = Settings()
        check_exposure(settings)
    except SettingError as error:
        _exit_with_error(str(error))
    except ValidationError as error:
        flaws = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        _exit_with_error(f"settings (SERVING_* in the environment): {'; '.join(flaws)}")
    _stop_on_signals()
    listener = _listen(settings.host, settings.port)
    _run(settings, listener, workers)


def _run(settings: "Settings", listener: socket.socket, workers: int) -> None:
    import uvicorn

    from serving.observability.logging import set_up_logging
    from serving.observability.multiprocess_metrics import shared_metrics
    from serving.operation.training.folder import shared_trainings
    from serving.registry.mlflow_registry import MlflowRegistry
    from serving.server.graceful_server import (
        GracefulServer,
        WorkerProcesses,
        load_application,
    )
    from serving.server.http_protocol import HttpProtocol

    set_up_logging(settings.log_level)
    config = uvicorn.Config(
        "serving.cli:create_logged_app",
        factory=True,
        http=HttpProtocol,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=settings.keep_alive_seconds,
        # Every running request is answered, at the latest by its timeout.
        timeout_graceful_shutdown=math.ceil(
            settings.body_seconds + settings.request_seconds
        )
        + 1,
    )
    url = f"http://{_format_address(listener)}"
    registry = MlflowRegistry().shown_uri
    sys.stderr.write(f"Recast at {url}  API: {url}/docs  MLflow: {registry}\n")
    sys.stderr.flush()
    if workers == 1:
        config.load()  # a signal meanwhile ends the process: nothing to drain yet
        GracefulServer(config).run(sockets=[listener])
        return
    with shared_metrics(), shared_trainings(is_on=settings.train):
        load_application()
        supervisor = WorkerProcesses(config, [listener])
        supervisor.run()
    if supervisor.failed:
        raise typer.Exit(1)


def create_logged_app() -> "FastAPI":
    """Set up logging and return the application, in the serving process."""
    gc.disable()  # imports create no garbage; enabled again when the service starts

    from serving.app import create_app
    from serving.observability.logging import set_up_logging
    from serving.settings import Settings

    settings = Settings()
    set_up_logging(settings.log_level)
    return create_app(settings)


def _print_new_key(name: str, may: "Sequence[str]") -> None:
    """Print a new API key and its hash in the form of the settings."""
    from pydantic import TypeAdapter, ValidationError

    from serving.http.api_keys import format_entry, make_key
    from serving.settings import PERMISSIONS, KeyName, Permission

    try:
        TypeAdapter(KeyName).validate_python(name)
    except ValidationError:
        rule = "1 to 64 letters, digits, dots, dashes and underscores"
        _exit_with_error(f"--new-key: the name of a key has {rule}; found {name!r}.")
    try:
        permissions = TypeAdapter(list[Permission]).validate_python(may)
    except ValidationError:
        _exit_with_error(
            f"--may: expected {' or '.join(PERMISSIONS)}; found {', '.join(may)!r}."
        )
    key = make_key()
    typer.echo(f"Key, shown only now:      {key}")
    typer.echo(f"Add to SERVING_API_KEYS:  {format_entry(name, key, permissions)}")


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, or exit with one line of error."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None) or 0
        reason = os.strerror(number) if number > 0 else str(error)
        advice = "Choose another with --host and --port."
        _exit_with_error(f"cannot listen on {host}, port {port}: {reason}. {advice}")


def _format_address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _stop_on_signals() -> None:
    """Exit quietly on Ctrl-C and SIGTERM; uvicorn raises them again after draining."""

    def stop(_number: int, _frame: object) -> NoReturn:
        timer = threading.Timer(EXIT_SECONDS, os._exit, [0])
        timer.daemon = True
        timer.start()  # else Python waits for a thread that waits for the registry
        sys.exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _exit_with_error(message: str) -> NoReturn:
    sys.stderr.write(f"Error: {message}\n")
    raise typer.Exit(2)
