"""Settings of all tests: one torch thread, and no deadline for hypothesis examples."""

import hypothesis
import pytest
import torch

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)
