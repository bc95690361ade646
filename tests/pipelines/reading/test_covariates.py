"""Files with covariates, and plain files, as people write them: see `conftest.py`."""

import re
from pathlib import Path

KINDS = ("covariates", "control")


def test_a_file_is_read_as_it_was_meant_or_refused(case, check_case):
    check_case(case)


def test_every_kind_of_case_is_tested(kinds):
    modules = Path(__file__).parent.glob("test_*.py")
    lines = [re.search(r"^KINDS = .*", path.read_text(), re.M)[0] for path in modules]

    assert {word for line in lines for word in re.findall(r"\w+", line)[1:]} == kinds
