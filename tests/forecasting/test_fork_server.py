import multiprocessing
import sys
import tempfile

import pytest

from forecasting.fork_server import has_fork_server, process_context


def test_a_folder_of_temporary_files_with_a_long_path_has_no_room_for_a_socket(
    tmp_path, monkeypatch
):
    if "forkserver" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no fork servers")
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    assert has_fork_server()
    assert process_context().get_start_method() == "forkserver"

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("long" * 20)))

    assert not has_fork_server()
    assert process_context().get_start_method() == "spawn"


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is of Linux")
@pytest.mark.parametrize(("length", "fits"), [(75, True), (76, False)])
def test_the_longest_path_is_that_of_the_system(monkeypatch, length, fits):
    monkeypatch.setattr(tempfile, "tempdir", "/".ljust(length, "x"))

    assert has_fork_server() is fits
