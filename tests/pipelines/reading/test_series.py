"""Files with several series, as people write them: see `conftest.py`."""

KINDS = ("series",)


def test_a_file_is_read_as_it_was_meant_or_refused(case, check_case):
    check_case(case)
