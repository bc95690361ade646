import pytest
import torch

from forecasting.devices import SMALL_HIDDEN, autocast, fitting_threads, pick_device
from forecasting.errors import SettingError

CPU = torch.device("cpu")


def bfloat16_inside(context):
    with context:
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    return product.dtype == torch.bfloat16


def test_the_cpu_is_always_there():
    assert pick_device("cpu") == CPU


def test_auto_takes_the_cpu_where_nothing_faster_is():
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is something faster here")

    assert pick_device("auto") == CPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_auto_takes_a_cuda_device_where_there_is_one():
    assert pick_device("auto").type == "cuda"


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(device):
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if there[device]:
        pytest.skip("it is there")

    with pytest.raises(
        SettingError, match=rf"device .* here \(.*cpu\); found '{device}'"
    ):
        pick_device(device)


def test_an_unknown_device_is_refused():
    with pytest.raises(SettingError, match="device must be auto or one that is here"):
        pick_device("tpu")


def test_bfloat16_is_used_where_it_is_asked_for():
    assert bfloat16_inside(autocast(CPU, "bfloat16", hidden_size=8))


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_the_cpu_computes_in_float32_unless_told_otherwise(precision):
    assert not bfloat16_inside(autocast(CPU, precision, hidden_size=1024))


def test_small_networks_get_one_thread_and_the_setting_comes_back():
    torch.set_num_threads(2)

    with fitting_threads(CPU, SMALL_HIDDEN - 1):
        inside = torch.get_num_threads()

    after = torch.get_num_threads()
    torch.set_num_threads(1)
    assert (inside, after) == (1, 2)


def test_large_networks_keep_their_threads():
    torch.set_num_threads(2)

    with fitting_threads(CPU, SMALL_HIDDEN):
        inside = torch.get_num_threads()

    torch.set_num_threads(1)
    assert inside == 2


def test_the_setting_comes_back_after_an_error():
    torch.set_num_threads(2)

    with pytest.raises(ZeroDivisionError), fitting_threads(CPU, 8):
        1 / 0  # noqa: B018

    after = torch.get_num_threads()
    torch.set_num_threads(1)
    assert after == 2
