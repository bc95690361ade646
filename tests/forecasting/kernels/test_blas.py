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


def test_who_leaves_first_does_not_end_it_for_the_others():
    entered, enough = Event(), Event()

    def stay():
        with one_blas_thread():
            entered.set()
            enough.wait(100)

    other = Thread(target=stay)
    with one_blas_thread():
        other.start()
        entered.wait(100)
    still = threads()
    enough.set()
    other.join()

    assert still == {1}
