"""Settings of all tests: one thread, whole services first, no deadline for examples."""

import os
from pathlib import Path

import hypothesis
import pytest
import torch

FOLDER = Path(__file__).parent
SLOW_FOLDERS = ("end_to_end", "serving", "pipelines")

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # of processes they start
        os.environ.setdefault(name, "1")


def pytest_collection_modifyitems(items):
    """Sort slow folders to the front, so that all workers end at about one time."""

    def place(item):
        folder = item.path.relative_to(FOLDER).parts[0]
        known = folder in SLOW_FOLDERS
        return SLOW_FOLDERS.index(folder) if known else len(SLOW_FOLDERS)

    items.sort(key=place)
