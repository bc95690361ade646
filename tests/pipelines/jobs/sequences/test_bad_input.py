"""Bad input of discrete series: one clear error, exit code 2, nothing written."""

import mlflow
import numpy as np
import pandas as pd
import pytest


def count_runs():
    return len(mlflow.search_runs(search_all_experiments=True))


def frame(kinds, steps=8, **columns):
    random = np.random.default_rng(0)
    rows = [
        {"id": f"s{n:02d}", "x": value, "kind": kind}
        for n, kind in enumerate(kinds)
        for value in random.normal(size=steps).round(3)
    ]
    return pd.DataFrame(rows).assign(**columns)


@pytest.fixture(scope="module")
def files(shared_workplace):
    """Files of discrete series that cannot be used, and a sound one."""
    folder = shared_workplace
    sound = frame(["up", "down"] * 10)
    sound.to_csv(folder / "sound.csv", index=False)
    frame(["up"] * 10).to_csv(folder / "one_class.csv", index=False)
    changing = sound.copy()
    changing.loc[3, "kind"] = "left"
    changing.to_csv(folder / "changing.csv", index=False)
    frame(["up", "down", "left"]).to_csv(folder / "new_class.csv", index=False)
    holes = sound.copy()
    holes.loc[5, "x"] = None
    holes.to_csv(folder / "holes.csv", index=False)
    sound.assign(shop="a", town="b").drop(columns="id").to_csv(
        folder / "ambiguous.csv", index=False
    )
    (folder / "unequal.ts").write_text("@data\n1,2:3,4:a\n1,2:b\n1,2:3,4:a\n")
    (folder / "same.txt").write_text("aaaaaaaaaaaaaaaaaaaaaaaa")
    (folder / "empty.txt").write_text("")
    (folder / "three.csv").write_text("t,event\n1,a\n2,b\n3,a\n")
    states = pd.DataFrame({"x": np.arange(20.0), "state": ["a", "b"] * 8 + ["c"] * 4})
    states.to_csv(folder / "states.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("one_class.csv --task classify", "the labels are of one class or none ('up')"),
        ("changing.csv --task classify", "series 's00': expected one label in column"),
        (
            "sound.csv --task classify --test new_class.csv",
            "the test part alone has the class 'left'; the training has 'down', 'up'",
        ),
        ("states.csv --task label", "the test part alone has the class 'c'"),
        ("unequal.ts --task classify", "series have different channels: 1 (series 2)"),
        ("holes.csv --task classify", "column 'x': 1 missing value at line 7"),
        (
            "ambiguous.csv --task classify --label kind",
            "which column is the series id?",
        ),
        ("sound.csv --task classify --channels z", "no column 'z'"),
        ("sound.csv --task next --symbol none", "no column 'none'"),
        ("sound.csv --task next", "which column is the symbol?"),
        ("same.txt --task next", "one symbol, or none after another"),
        ("empty.txt --task next", "it is empty"),
        ("three.csv --task next", "none has 20 steps, which a test part needs"),
        ("unequal.ts --task label", "it has a label for each series"),
        ("sound.csv --task classify --test gone.csv", "gone.csv: there is no such"),
        ("sound.csv --task classify --horizon 3", "windows.horizon: only for the task"),
        ("sound.csv --task classify --from other", "--from must be left out with the"),
        ("sound.csv --task classify --resume", "--resume must be left out with the"),
        ("sound.csv --label kind", "data.label: only for the tasks classify and label"),
        ("sound.csv --task classify --set model.hidden_size=0", "hidden_size"),
        ("sound.csv --task classify --set training.batch_size=0", "batch_size"),
        ("sound.csv --task classify --set model.patch_len=99", "patch_len"),
        ("sound.csv --task label --label kind --set training.window=0", "window"),
    ],
)
def test_bad_input_is_refused_before_any_run(files, recast, arguments, message):
    before = count_runs()

    result = recast("train", *arguments.split())

    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("Error: ") == 1
    assert count_runs() == before
    assert mlflow.MlflowClient().search_registered_models() == []


@pytest.mark.parametrize("command", ["compare", "tune", "backtest"])
def test_commands_of_forecasts_refuse_the_task(files, recast, command):
    result = recast(command, "sound.csv", "--set", "task=classify")

    assert result.code == 2
    assert f"task must be forecast with recast {command}" in result.err


def test_a_batch_refuses_a_search_for_the_task(files, recast):
    text = "name: a\ntask: classify\ncommand: tune\ndata: {path: sound.csv}\n"
    (files / "discrete.yaml").write_text(text)

    result = recast("run", "discrete.yaml")

    assert result.code == 2
    assert "command: tune is only for the task forecast" in result.err
