"""The state of the process when a service accepts requests."""

import os
import subprocess
import sys

PROGRAM = """
import asyncio, gc, sys
from serving.cli import create_logged_app

async def start(app):
    async with app.router.lifespan_context(app):
        print(gc.isenabled(), sys.getswitchinterval() < 0.001, file=sys.stderr)

app = create_logged_app()
print(gc.isenabled(), "sklearn" in sys.modules, file=sys.stderr)
asyncio.run(start(app))
"""


def test_imports_are_quick_and_requests_do_not_wait_for_other_threads(registry):
    variables = {"MLFLOW_TRACKING_URI": registry.uri, "SERVING_LOG_LEVEL": "error"}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | variables,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )

    # Both the garbage collector and the short thread switch interval are on.
    assert done.stderr.split("\n")[-3:] == ["False False", "True True", ""]
