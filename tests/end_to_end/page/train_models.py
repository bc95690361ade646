"""Trains the models of the page's tests into the working folder and its registry.

shops     three series with promotions and a plan of those ahead, in two versions
branches  more series than a list shows at once
"""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from pipelines.__main__ import main

SHOPS = ("north", "south", "west")
NUM_BRANCHES = 152


def shops_table():
    """Return the sales of three shops with promotions, and a plan of those ahead."""
    rng, frames = np.random.default_rng(0), []
    days = pd.date_range("2024-01-01", periods=126)
    week = np.array([50.0, 90, 70, 60, 80, 120, 30])
    for k, shop in enumerate(SHOPS):
        promo = (np.arange(126) % 9 == k).astype(int)
        sales = np.tile(week, 18) + 40 * promo + rng.normal(0, 2, 126)
        frame = pd.DataFrame({"day": days, "shop": shop, "sales": sales.round(1)})
        frame["promo"], frame["weather"] = promo, np.where(days.day % 3, "dry", "wet")
        frame.loc[frame.index[-7:], "sales"] = np.nan
        frames.append(frame)
    return pd.concat(frames)


def branches_table():
    rng = np.random.default_rng(1)
    days = pd.date_range("2024-01-01", periods=60)
    return pd.concat(
        pd.DataFrame(
            {
                "day": days,
                "branch": f"Branch {k:03d}",
                "sales": (
                    20 + k + 5 * np.sin(np.arange(60) * 0.9) + rng.normal(0, 1, 60)
                ).round(2),
            }
        )
        for k in range(NUM_BRANCHES)
    )


JOBS = {
    "shops": {
        "data": {"series_id": "shop", "known_covariates": ["promo", "weather"]},
        "windows": {"seq_len": 14, "horizon": 7},
    },
    "branches": {
        "data": {"series_id": "branch"},
        "windows": {"seq_len": 14, "horizon": 7},
    },
}


def write_job(name, table):
    table.to_csv(f"{name}.csv", index=False)
    job = {
        "name": name,
        "data": {"path": f"{name}.csv", "time": "day", "target": "sales"},
        "model": {"guard": False, "hidden_size": 4},
        "training": {"epochs": 3},
        "evaluation": {"folds": 3, "season_length": 7},
    }
    for group, settings in JOBS[name].items():
        job[group] = job.get(group, {}) | settings
    path = Path(f"{name}.yaml")
    path.write_text(yaml.safe_dump(job))
    return path


def recast(*arguments):
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        if end.code:
            raise


if __name__ == "__main__":
    shops = write_job("shops", shops_table())
    recast("train", shops)
    recast("train", shops, "--set", "model.linear_skip=false")
    recast("train", write_job("branches", branches_table()))
