"""Identity of a job: changes of its digest, and settings without influence on it."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.io import read_csv
from pipelines.checkpoints.identity import Identity, digest_code, digest_panel
from pipelines.config.job import read_job

PANEL = Panel.from_values({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0]})


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("day,sales\n2024-01-01,1\n2024-01-02,2\n")
    return path


def identity_of(source, command="train", panel=PANEL, **settings):
    overrides = {key.replace("__", "."): value for key, value in settings.items()}
    return Identity.of(command, read_job(source, overrides), panel)


def test_the_same_command_on_the_same_data_has_the_same_digest(source, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    copy = source.rename(moved / source.name)

    here = identity_of(copy, training__epochs=3)

    assert here.digest == identity_of(copy, training__epochs=3).digest
    assert here.code == digest_code()


@pytest.mark.parametrize(
    "settings",
    [
        {"training__epochs": 101},
        {"training__epochs": 100},  # explicit: a preset may not change it
        {"model__cell": "gru"},
        {"name": "other"},
        {"registry__promote": "never"},
    ],
)
def test_another_setting_is_another_job(source, settings):
    changed, plain = identity_of(source, **settings), identity_of(source)

    assert changed.job != plain.job
    assert changed.digest != plain.digest
    assert changed.data == plain.data


def test_times_of_checkpoints_and_the_place_of_the_data_make_no_other_job(source):
    checked = identity_of(source, training__checkpoint__every_seconds=3)

    assert checked.job == identity_of(source).job
    other = source.with_name("copy.csv")
    other.write_bytes(source.read_bytes())
    assert identity_of(other, name="sales").job == identity_of(source, name="sales").job


def test_another_command_is_another_identity(source):
    assert identity_of(source, "compare").digest != identity_of(source).digest


@pytest.mark.parametrize(
    "other",
    [
        Panel.from_values({"a": [1.0, 2.0, 3.5], "b": [4.0, 5.0]}),
        Panel.from_values({"a": [1.0, 2.0, 3.0], "c": [4.0, 5.0]}),
        Panel.from_values({"a": [1.0, 2.0], "b": [3.0, 4.0, 5.0]}),
        replace(PANEL, timestamps=PANEL.timestamps + 1),
        replace(PANEL, target="sales"),
    ],
)
def test_other_series_are_other_data(other):
    assert digest_panel(other) != digest_panel(PANEL)


def test_a_changed_covariate_or_plan_is_other_data(tmp_path):
    def panel_of(promo, ahead):
        rows = [f"2024-01-0{day},{day},{promo}" for day in range(1, 8)]
        path = tmp_path / "c.csv"
        path.write_text(
            "\n".join(["day,sales,promo", *rows, f"2024-01-08,,{ahead}"]) + "\n"
        )
        return read_csv(path, target="sales", known_covariates=("promo",))

    digests = {digest_panel(panel_of(*pair)) for pair in ((0, 0), (1, 0), (0, 1))}

    assert len(digests) == 3


def test_text_covariates_are_read_by_their_words(tmp_path):
    def panel_of(word):
        path = tmp_path / "c.csv"
        rows = [f"2024-01-0{day},{day},{word}" for day in range(1, 8)]
        path.write_text("\n".join(["day,sales,kind", *rows[:-1], "2024-01-07,7,z"]))
        return read_csv(path, target="sales", past_covariates=("kind",))

    assert digest_panel(panel_of("x")) != digest_panel(panel_of("y"))


def test_the_tag_is_plain_json(source):
    tag = identity_of(source).to_tag()

    assert tag == identity_of(source).to_tag()
    assert '"command": "train"' in tag
    assert np.all([ord(letter) < 128 for letter in tag])
