"""Schemathesis sends requests that the OpenAPI document allows, and others."""

import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "schemathesis.cli"]
# A request may fit the schema and still be refused: too few values, too many of them, a
# timestamp that is no date, an alias and a version together.
NOT_CHECKED = "positive_data_acceptance"
CONFIGURATION = """\
[parameters]
"path.name" = "waves"
"path.version" = "1"
"""


@pytest.mark.slow
def test_every_answer_is_what_the_document_says(running, registry, tmp_path):
    for number in ("3", "4"):  # damaged and of another frequency: rightly status 503
        registry.client.delete_model_version("waves", number)
    registry.client.delete_registered_model("other")
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    limits = {"max_series": 20, "max_points": 3000, "max_horizon": 100}

    with running(registry.uri, tmp_path, default_model="waves", **limits) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        done = subprocess.run(
            [*COMMAND, "--config-file", "schemathesis.toml",
             "run", f"{service.url}/openapi.json", "--max-examples", "25",
             "--seed", "1", "--exclude-checks", NOT_CHECKED, "--no-color"],
            cwd=tmp_path, capture_output=True, text=True,
            timeout=900,
        )  # fmt: skip
        answered = {
            (line["route"], line["status"]) for line in service.lines("request")
        }

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert {"/v1/models/{name}/forecast", "/invocations", "/v2/models/{name}/infer"} < {
        route for route, status in answered if status == 200
    }
    assert {route for route, status in answered if status >= 500} <= {"/readyz"}
