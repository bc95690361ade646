import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecasting.data.windows import WindowSpec
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.storage.pretrained import (
    PREFIX,
    WEIGHTS,
    pretrained_season_lengths,
    read_pretrained,
)
from forecasting.pretraining.__main__ import main
from forecasting.pretraining.recipe import RECIPES
from forecasting.pretraining.training import (
    digest_of,
    pretrain,
    sample,
    save_pretrained,
)
from forecasting.pretraining.validation import holdout_errors, validate

MONTHLY = RECIPES[12]
TINY = replace(
    MONTHLY,
    prior=replace(MONTHLY.prior, longest=60),
    series=150,
    windows=WindowSpec(seq_len=24, horizon=6),
    training=replace(MONTHLY.training, steps=60, batch_size=64),
    model=replace(MONTHLY.model, hidden_size=12),
)
POINTS = 240_000  # of the synthetic series that the weights are validated on
MAX_BYTES = 2_000_000  # of all weights of the package


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A small pretrained model, saved."""
    folder = tmp_path_factory.mktemp("weights")
    forecaster = pretrain(TINY)
    path = save_pretrained(
        forecaster, TINY, folder, validate(forecaster, TINY, series=200)
    )
    return forecaster, path


def test_a_recipe_gives_the_same_weights_bit_by_bit(tiny, tmp_path):
    _, path = tiny

    again = save_pretrained(pretrain(TINY), TINY, tmp_path, {})

    assert digest_of(again) == digest_of(path)


def test_another_seed_gives_other_weights(tiny, tmp_path):
    other = replace(TINY, training=replace(TINY.training, seed=1))

    path = save_pretrained(pretrain(other), other, tmp_path, {})

    assert digest_of(path) != digest_of(tiny[1])


def test_the_record_beside_the_weights_holds_recipe_digest_seed_and_errors(tiny):
    _, path = tiny

    record = json.loads((path / "recipe.json").read_text())

    assert record["recipe"] == TINY.to_plain()
    assert record["digest"] == TINY.digest
    assert record["weights"] == digest_of(path)
    assert record["seed"] == 0
    assert record["validation"]["series"] > 100
    assert 0 < record["validation"]["half"] < record["validation"]["network"] * 2


def test_training_on_synthetic_series_lowers_the_error_on_new_ones(tiny):
    untrained = replace(TINY, training=replace(TINY.training, steps=0))

    before = validate(pretrain(untrained), TINY, series=400)["network"]

    assert validate(tiny[0], TINY, series=400)["network"] < before


def test_nothing_of_the_held_out_steps_is_read(tiny):
    panel = tiny[0].trained.context.tail(36)
    changed = panel.values.copy()
    changed[panel.offsets[1:] - 1] *= 1.0 + 1e-9

    errors = holdout_errors(tiny[0], panel, 6)
    later = holdout_errors(tiny[0], replace(panel, values=changed), 6)

    assert errors == pytest.approx(later, rel=1e-3)


def test_the_model_keeps_two_series_and_settings_for_a_training_of_its_own(tiny):
    forecaster, path = tiny

    model = Forecaster.load(path).trained

    assert len(model.context) == 2
    assert model.context.lengths.max() <= 36
    assert model.config.training.steps < MONTHLY.training.steps
    np.testing.assert_array_equal(
        Forecaster.load(path).predict().points, forecaster.predict().points
    )


def test_the_command_writes_the_network_of_a_season(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(RECIPES, 12, TINY)

    code = main(["--season-length", "12", "--output", str(tmp_path)])

    model = read_pretrained(
        12, 3, Forecaster.load(tmp_path / "season_12").trained.device, tmp_path
    )
    assert (code, model.horizon) == (0, 3)
    assert "season 12: 150 series" in capsys.readouterr().out


def test_a_folder_that_cannot_be_made_is_one_message_before_any_training(
    tmp_path, capsys
):
    (tmp_path / "file").write_text("")

    code = main(["--season-length", "12", "--output", str(tmp_path / "file")])

    output = capsys.readouterr()
    assert (code, output.out) == (2, "")
    assert "the folder cannot be made (File exists)" in output.err


@pytest.mark.parametrize("season_length", pretrained_season_lengths())
class TestTheWeightsOfThePackage:
    def record(self, season_length: int) -> dict:
        path = WEIGHTS / f"{PREFIX}{season_length}"
        return json.loads((path / "recipe.json").read_text())

    def test_are_those_of_the_recipe(self, season_length):
        record = self.record(season_length)

        assert record["digest"] == RECIPES[season_length].digest
        assert record["weights"] == digest_of(WEIGHTS / f"{PREFIX}{season_length}")

    def test_were_trained_on_the_series_that_the_generators_draw_now(
        self, season_length
    ):
        drawn = sample(RECIPES[season_length])

        assert drawn == pytest.approx(self.record(season_length)["sample"], rel=1e-3)

    def test_lower_the_error_of_the_mean_on_synthetic_series(self, season_length):
        forecaster = Forecaster.load(WEIGHTS / f"{PREFIX}{season_length}")

        recipe = RECIPES[season_length]
        count = POINTS // recipe.prior.longest

        errors = validate(forecaster, recipe, series=count)

        assert errors["third"] < errors["simple"]


def test_all_weights_take_less_than_two_megabytes():
    files = [path for path in Path(WEIGHTS).rglob("*") if path.is_file()]

    assert len(files) >= 3
    assert sum(path.stat().st_size for path in files) < MAX_BYTES
