import numpy as np
import pandas as pd
import pytest

from benchmarks.pretrained import main, measure


@pytest.fixture
def folder(tmp_path):
    """A set of two monthly series, named as a published one."""
    months = np.arange(90)
    rows = []
    for number, name in enumerate(("a", "b")):
        noise = np.random.default_rng(number).normal(size=90)
        values = 100 + months + 9 * np.sin(months * np.pi / 6) + noise
        rows.append(pd.DataFrame({"unique_id": name, "ds": months, "y": values}))
    frame = pd.concat(rows)
    path = tmp_path / "m3_monthly"
    path.mkdir()
    frame[frame.ds < 72].to_csv(path / "train.csv", index=False)
    frame[frame.ds >= 72].to_csv(path / "test.csv", index=False)
    return path


def test_the_end_of_the_training_part_is_forecast_and_on_request_the_test_part(folder):
    validation, test = measure(folder), measure(folder, test=True)

    assert (validation["series"], test["series"]) == (2, 2)
    assert 0 < test["network"] < 1  # a clear season: better than the seasonal naive
    assert validation["network"] != test["network"]


def test_the_test_part_is_not_read_for_validation(folder):
    before = measure(folder)

    (folder / "test.csv").unlink()

    assert measure(folder) == before


def test_a_shorter_context_has_errors_of_its_own_on_the_same_scale(folder):
    every, short = measure(folder), measure(folder, context=30)

    assert short["series"] == 2
    assert short["network"] != every["network"]
    assert 0 < short["network"] < 1.5


def test_the_command_prints_a_row_for_each_set_and_context(folder, capsys):
    code = main(["--data", str(folder), "--contexts", "30"])

    header, _, first, second = capsys.readouterr().out.splitlines()
    assert code == 0
    assert header.startswith("| set | observations | series | network | simple")
    assert first.startswith("| m3_monthly | 30 | 2 | ")
    assert second.startswith("| m3_monthly | all | 2 | ")


def test_another_folder_is_refused_by_name(tmp_path, capsys):
    assert main(["--data", str(tmp_path)]) == 2
    assert "its horizon is unknown" in capsys.readouterr().err


def test_sums_whose_season_has_no_network_are_refused(folder, capsys):
    code = main(["--data", str(folder), "--sum", "2"])  # six of them in a year

    assert code == 2
    assert "season_length must be one of" in capsys.readouterr().err
