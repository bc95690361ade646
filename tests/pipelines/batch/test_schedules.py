"""The systemd units, the CronJob and the commands of docs/batch.md are valid."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
import yaml

from pipelines.cli.app import app

PAGE = (Path(__file__).parents[3] / "docs" / "batch.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVICE, TIMER = (text for kind, text in BLOCK.findall(PAGE) if kind == "ini")
[CRON_JOB] = (
    yaml.safe_load(text)
    for kind, text in BLOCK.findall(PAGE)
    if kind == "yaml" and "CronJob" in text
)
CONTAINER = CRON_JOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_accepts_the_units(tmp_path):
    service = re.sub("(?m)^ExecStart=/opt/recast/bin/recast", "ExecStart=true", SERVICE)
    (tmp_path / "recast.service").write_text(service)
    (tmp_path / "recast.timer").write_text(TIMER)

    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "recast.service", "recast.timer"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    complaints = [line for line in result.stderr.splitlines() if "recast." in line]
    assert complaints == []


def test_the_cron_job_is_complete():
    assert (CRON_JOB["apiVersion"], CRON_JOB["kind"]) == ("batch/v1", "CronJob")
    job = CRON_JOB["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    # Kubernetes accepts a policy for failures of pods that are never restarted only.
    assert pod["restartPolicy"] == "Never"
    assert job["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"] == [2]
    mounts = {mount["name"] for mount in CONTAINER["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize(
    "arguments",
    [
        shlex.split(re.search("(?m)^ExecStart=(.*)$", SERVICE)[1])[1:],
        CONTAINER["args"],
        *(
            shlex.split(line, comments=True)[1:]
            for kind, text in BLOCK.findall(PAGE)
            if kind == "sh"
            for line in text.splitlines()
            if line.startswith("recast run")
        ),
    ],
    ids=" ".join,
)
def test_each_command_of_the_page_has_the_options_that_exist(arguments):
    command = typer.main.get_command(app).commands[arguments[0]]

    context = command.make_context("run", list(arguments[1:]))

    assert context.params["sources"]
