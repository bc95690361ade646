"""The test part: whole series or the latest steps, and never an unknown class."""

import numpy as np
import pytest

from forecasting.errors import InvalidLabels, InvalidSeries
from forecasting.sequences.evaluation.splits import check_test_classes, split_series
from forecasting.sequences.reading.tables import SequenceData


def make_data(labels, *, ends=None, steps=4):
    ids = tuple(f"s{number}" for number in range(len(labels)))
    series = [np.full((steps, 1), float(number)) for number in range(len(labels))]
    return SequenceData(ids, series, list(labels), (), ends)


def test_whole_series_of_each_class_are_tested():
    data = make_data(["a"] * 10 + ["b"] * 20)

    split = split_series(data, "classify")

    assert sorted(split.test.labels) == ["a"] * 2 + ["b"] * 4
    assert set(split.test.ids).isdisjoint(split.training.ids)
    assert len(split.training) + len(split.test) == 30
    assert split.description == "a choice of 6 of 30 series"


def test_the_choice_follows_the_names_in_any_order():
    data = make_data(["a", "b"] * 20)
    reverse = data.take(range(39, -1, -1))

    chosen = [split_series(one, "classify").test.ids for one in (data, reverse)]

    assert sorted(chosen[0]) == sorted(chosen[1])
    assert chosen[0] != data.ids[-8:]


def test_where_there_are_moments_the_latest_series_are_tested():
    data = make_data(["a", "b"] * 5, ends=np.arange(10)[::-1])

    split = split_series(data, "classify")

    assert split.test.ids == ("s0", "s1")
    assert split.description == "the latest 2 of 10 series"


def test_a_class_of_one_series_is_not_tested():
    split = split_series(make_data(["a"] * 9 + ["b"]), "classify")

    assert split.training.labels.count("b") == 1


def test_the_latest_fifth_of_the_steps_of_each_series_is_tested():
    labels = [["a", "b"] * 5, ["a", "b"] * 10]
    series = [np.arange(10.0)[:, None], np.arange(20.0)[:, None]]

    split = split_series(SequenceData(("p", "q"), series, labels), "label")

    assert [one[:, 0].tolist() for one in split.test.series] == [
        [8, 9],
        [16, 17, 18, 19],
    ]
    assert [len(one) for one in split.training.labels] == [8, 16]
    assert split.is_later
    assert split.description == "the latest 6 of 30 steps"


def test_the_latest_tenth_of_a_text_is_tested():
    data = SequenceData(("text",), [list("abcdefghij" * 4)])

    split = split_series(data, "next")

    assert split.test.series == [list("ghij")]
    assert len(split.training.series[0]) == 36


def test_of_many_series_of_symbols_whole_ones_are_tested():
    data = SequenceData(tuple(map(str, range(30))), [list("abc")] * 30)

    split = split_series(data, "next")

    assert len(split.test) == 3
    assert not split.is_later


@pytest.mark.parametrize(
    ("data", "task", "error", "message"),
    [
        (make_data(["a"] * 9), "classify", InvalidLabels, "of one class or none .'a'."),
        (make_data(["a", "b"]), "classify", InvalidSeries, "too few of each class"),
        (
            SequenceData(("p",), [np.zeros((10, 1))], [["a", "b"] * 4 + ["c", "c"]]),
            "label",
            InvalidLabels,
            "the test part alone has the class 'c'; the training has 'a', 'b'",
        ),
        (
            SequenceData(("p",), [np.zeros((10, 1))], [["a", "b"] * 4 + [None, None]]),
            "label",
            InvalidLabels,
            "no step of the test part has a label",
        ),
        (
            SequenceData(("p",), [list("abcabc")]),
            "next",
            InvalidSeries,
            "none has 20 steps",
        ),
    ],
)
def test_series_without_a_sound_test_part_are_refused(data, task, error, message):
    with pytest.raises(error, match=message):
        split_series(data, task)


def test_a_test_part_may_lack_classes_but_not_have_new_ones():
    training, test = make_data(["a", "b"]), make_data(["a"])

    check_test_classes(training, test, "classify")
    with pytest.raises(InvalidLabels, match="the test part alone has the class 'c'"):
        check_test_classes(training, make_data(["c"]), "classify")
