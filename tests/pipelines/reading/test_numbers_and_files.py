"""Files with numbers, encodings and gaps, as people write them: see `conftest.py`."""

KINDS = ("numbers", "files", "gaps")


def test_a_file_is_read_as_it_was_meant_or_refused(case, check_case):
    check_case(case)
