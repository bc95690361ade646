"""Short sentences: counts, lists, methods."""

from forecasting.display.wording import (
    count,
    describe_levels,
    describe_methods,
    join_words,
    make_caption,
)


def test_numbers_and_lists_are_written_as_words():
    assert [count(1, "fold"), count(1200, "fold")] == ["1 fold", "1,200 folds"]
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b", "c"]) == "a, b and c"
    assert describe_levels((80.0, 99.5)) == "80 and 99.5 %"
    assert describe_levels(()) == "none"


def test_one_method_needs_no_count():
    assert describe_methods({"seasonal_naive": 3}) == "seasonal naive"
    assert describe_methods({"network": 2, "last_value": 1}) == (
        "network for 2 of 3 series, last value for 1 of 3 series"
    )


def test_a_long_caption_is_broken_into_lines():
    answers = ", ".join(f"method {i} for 1 of 9 series" for i in range(9))

    caption = make_caption("guarded lstm", answers, "mase 0.5 on 3 folds of 9 series")

    assert max(map(len, caption.splitlines())) <= 100
