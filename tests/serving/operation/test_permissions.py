"""Permissions of keys in the settings, their file and the command line."""

import json
import subprocess
import sys

import pytest

from forecasting.errors import SettingError
from serving.http.api_keys import (
    check_exposure,
    format_entry,
    hash_key,
    make_key,
    read_keys,
)
from serving.settings import Settings

KEY = make_key()


def recast(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "serving", *arguments], capture_output=True, text=True
    )


def test_a_plain_hash_may_nothing_more_and_an_entry_what_it_says():
    keys = read_keys(
        Settings(
            api_keys=json.dumps(
                {
                    "reader": hash_key(KEY),
                    "operator": {"key": hash_key(KEY), "may": ["promote", "train"]},
                }
            )
        )
    )

    assert keys["reader"].may == frozenset()
    assert keys["operator"].may == {"promote", "train"}
    assert keys["reader"].digest == keys["operator"].digest


def test_a_file_has_both_forms_too(tmp_path):
    file = tmp_path / "keys.json"
    file.write_text(format_entry("operator", KEY, ["train"]))

    [key] = read_keys(Settings(api_keys_file=file)).values()

    assert (key.name, key.may) == ("operator", {"train"})


@pytest.mark.parametrize(
    "entry",
    [
        {"key": hash_key(KEY), "may": ["delete"]},
        {"key": hash_key(KEY), "may": "promote"},
        {"key": hash_key(KEY), "may": ["promote"], "also": 1},
        {"key": KEY, "may": ["promote"]},
        {"may": ["promote"]},
    ],
)
def test_an_entry_with_an_unknown_permission_or_form_is_refused(entry, tmp_path):
    keys = json.dumps({"operator": entry})
    file = tmp_path / "keys.json"
    file.write_text(keys)

    with pytest.raises(ValueError, match=r"api_keys\.operator"):
        Settings(api_keys=keys)
    with pytest.raises(SettingError, match="a file of JSON"):
        read_keys(Settings(api_keys_file=file))


def test_the_command_line_prints_the_entry_of_a_key_that_may():
    done = recast("--new-key", "ops", "--may", "train", "--may", "promote")

    key = done.stdout.splitlines()[0].split()[-1]
    entry = json.loads(done.stdout.splitlines()[1].partition(":")[2])
    assert entry == {"ops": {"key": hash_key(key), "may": ["promote", "train"]}}
    assert Settings(api_keys=json.dumps(entry)).api_keys["ops"].may


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--new-key", "ops", "--may", "rule"), "expected promote or train"),
        (("--may", "promote"), "it needs --new-key"),
    ],
)
def test_a_permission_that_there_is_not_is_refused(arguments, text):
    done = recast(*arguments)

    assert done.returncode == 2
    assert text in done.stderr


def test_without_keys_nobody_elsewhere_may_operate_a_service():
    open_to_all = {"host": "0.0.0.0", "allow_anonymous": True}

    check_exposure(Settings(**open_to_all))
    check_exposure(Settings(promote=True))
    with pytest.raises(SettingError, match="--may promote"):
        check_exposure(Settings(**open_to_all, promote=True))
