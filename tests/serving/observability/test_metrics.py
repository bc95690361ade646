"""The metrics of /metrics, of the documentation and of the dashboard are the same."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAME = r"(?:recast|process)_[a-z_]+"


@pytest.fixture(scope="module")
def metrics_text(service):
    service.forecast()
    return service.client.get("/metrics").text


@pytest.fixture(scope="module")
def kinds(metrics_text):
    """The kind of each metric by name."""
    return dict(re.findall(rf"^# TYPE ({NAME}) (\w+)$", metrics_text, re.MULTILINE))


def test_the_page_lists_every_metric_and_no_other(kinds):
    page = (ROOT / "docs" / "serving.md").read_text()

    listed = re.findall(rf"^\| `({NAME})` \|", page, re.MULTILINE)

    assert sorted(listed) == sorted(kinds)


def test_the_dashboard_asks_for_metrics_that_there_are(kinds):
    dashboard = json.loads((ROOT / "mlflow" / "grafana-dashboard.json").read_text())
    ends = {"histogram": ("_bucket", "_sum", "_count")}
    available = {n + end for n, kind in kinds.items() for end in ends.get(kind, ("",))}

    queries = [
        target["expr"] for panel in dashboard["panels"] for target in panel["targets"]
    ]

    named = {name for query in queries for name in re.findall(NAME, query)}
    assert len(named) >= 14
    assert named <= available


def test_every_panel_has_a_place_and_the_chosen_data_source():
    dashboard = json.loads((ROOT / "mlflow" / "grafana-dashboard.json").read_text())

    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]

    assert len(set(places)) == len(places)
    for panel in dashboard["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"


def test_a_forward_pass_is_counted_with_its_series(service):
    def counted():
        text = service.client.get("/metrics").text
        numbers = re.findall(r'batch_series_(?:count|sum){model="waves"} (.+)', text)
        return [float(number) for number in numbers] or [0.0, 0.0]

    passes, series = counted()
    service.forecast()  # goes on with the two series seen in training

    assert counted() == [passes + 1, series + 2]


def test_the_queue_is_empty_and_memory_is_not(metrics_text):
    memory = float(
        re.search(r"^process_resident_memory_bytes (.+)$", metrics_text, re.M)[1]
    )

    assert "recast_queue_length 0.0" in metrics_text
    assert memory > 50e6
