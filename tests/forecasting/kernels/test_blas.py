from threading import Event, Thread

from threadpoolctl import threadpool_info

from forecasting.kernels.blas import one_blas_thread


def threads():
    return {
        library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas" and library["internal_api"] == "openblas"
    }


def test_there_is_one_thread_inside_and_as_many_as_before_outside():
    with one_blas_thread():
        pass  # loads the libraries
    before = threads()

    with one_blas_thread(), one_blas_thread():
        inside = threads()

    assert inside == {1}
    assert threads() == before


def test_the_first_thread_to_leave_does_not_end_the_limit_for_others():
    entered, leave = Event(), Event()

    def stay():
        with one_blas_thread():
            entered.set()
            leave.wait(100)

    other = Thread(target=stay)
    with one_blas_thread():
        other.start()
        entered.wait(100)
    remaining = threads()
    leave.set()
    other.join()

    assert remaining == {1}
