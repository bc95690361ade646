import pytest

from forecasting import read_archive
from forecasting.errors import UnreadableData


def test_a_tsv_of_the_archive_has_its_label_first(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("2\t1.5\t-1\n1\t0.25\tNaN\n")

    series, labels = read_archive(path)

    assert labels == ["2", "1"]
    assert [one.tolist() for one in series] == [[[1.5], [-1.0]], [[0.25]]]


def test_a_ts_of_the_archive_has_channels_of_unequal_series(tmp_path):
    path = tmp_path / "a.ts"
    path.write_text("#note\n@problemName A\n@data\n1,2:3,4:up\n5:6: down\n")

    series, labels = read_archive(path)

    assert labels == ["up", "down"]
    assert [one.tolist() for one in series] == [[[1, 3], [2, 4]], [[5, 6]]]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.ts", "@data\n1,2:3:up\n", "line 2 cannot be read .*differ in length"),
        ("a.ts", "@data\n", "there is no series in it"),
        ("a.tsv", "1\tx\n", "line 1 cannot be read .*could not convert"),
        ("a.tsv", "1\n", "line 1 cannot be read .*no value after the label"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)

    with pytest.raises(UnreadableData, match=message):
        read_archive(tmp_path / name)
