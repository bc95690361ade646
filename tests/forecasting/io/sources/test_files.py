"""Encodings of files, and files of other formats."""

import gzip

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import SettingError, UnreadableData
from forecasting.io import read_csv

PLAIN = "day,sales\n2024-01-01,1.5\n2024-01-02,2\n2024-01-03,4\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii"],
)
def test_unicode_is_recognised_with_and_without_its_mark(csv, encoding):
    assert read_csv(csv(PLAIN.encode(encoding))).values.tolist() == [1.5, 2, 4]


def test_packed_utf_16_is_read(csv):
    data = gzip.compress(PLAIN.encode("utf-16"), mtime=0)

    assert read_csv(csv(data)).values.tolist() == [1.5, 2, 4]


@pytest.mark.parametrize(
    "name",
    ["Köln \u2013 Süd", "Café „Zum €“", "L\u2019Oréal", "Fläche m²", "ÜBERGRÖSSE"],
)
def test_windows_text_is_read_and_noted(csv, name):
    panel = read_csv(csv(PLAIN.replace("sales", name).encode("cp1252")))

    assert panel.target == name
    assert panel.notes[0].startswith("encoding: cp1252 (the text is no UTF-8), such")


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Łódź", "cp1250"),
        ("Продажи", "cp1251"),
        ("Πωλήσεις", "cp1253"),
        ("Köln Süd", "cp850"),
        ("売上", "shift_jis"),
    ],
)
def test_text_that_makes_no_sense_is_asked_about(csv, name, encoding):
    path = csv(PLAIN.replace("sales", name).encode(encoding))

    with pytest.raises(UnreadableData, match=r"line 1.*--encoding or data\.encoding"):
        read_csv(path)
    assert read_csv(path, encoding=encoding).target == name


def test_an_encoding_that_does_not_fit_is_refused_with_the_line(csv):
    path = csv(PLAIN.replace("2024-01-02", "ä").encode("cp1252"))

    with pytest.raises(UnreadableData, match="byte e4 in line 3 is no text in utf-8"):
        read_csv(path, encoding="utf-8")


@pytest.mark.parametrize("encoding", ["klingon", "base64", ""])
def test_an_unknown_encoding_is_refused_with_examples(csv, encoding):
    with pytest.raises(SettingError, match=r"encoding must be .*utf-8, utf-16, cp1252"):
        read_csv(csv(PLAIN), encoding=encoding)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04....", "zip archive.*Unpack"),
        (
            b"PK\x03\x04" + b"." * 26 + b"mimetypeapplication/vnd.oasis.opendocument",
            "ods",
        ),
        (b"\xd0\xcf\x11\xe0....", r"\(\.xls\).*\.xlsx or CSV"),
        (b"BZh91AY", "bzip2.*gzip"),
        (b"PAR1....", "Parquet file"),
        (b"PK\x03\x04..xl/workbook.xml", "Excel workbook"),
        (b'[{"day": 1}]', "HTML, XML or JSON"),
        (PLAIN.replace("2\n", "\0\n").encode(), "binary"),
    ],
)
def test_other_formats_are_refused_by_name(csv, data, message):
    with pytest.raises(UnreadableData, match=message):
        read_csv(csv(data))


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=4),
            "sales": [1, 2.5, np.nan, 4],
            "deal": ["01", "02", "01", "NA"],
        }
    )


@pytest.mark.parametrize("index", [None, "day"])
def test_parquet_is_read_with_its_types(tmp_path, frame, index):
    pytest.importorskip("pyarrow")
    path = tmp_path / "sales.parquet"
    (frame.set_index(index) if index else frame).to_parquet(path)

    panel = read_csv(
        path, target="sales", past_covariates="deal", missing="interpolate"
    )

    assert panel.values.tolist() == [1, 2.5, 3.25, 4]
    assert panel.covariates["deal"].tolist() == ["01", "02", "01", "NA"]


@pytest.mark.parametrize("title_rows", [0, 3])
def test_a_workbook_is_read_with_its_types(tmp_path, frame, title_rows):
    pytest.importorskip("openpyxl")
    path = tmp_path / "sales.xlsx"
    with pd.ExcelWriter(path) as writer:
        frame.to_excel(writer, index=False, startrow=title_rows, sheet_name="Data")
        if title_rows:
            writer.sheets["Data"]["A1"] = "Report 2024"

    panel = read_csv(
        path, target="sales", past_covariates="deal", missing="interpolate"
    )

    assert panel.values.tolist() == [1, 2.5, 3.25, 4]
    assert panel.covariates["deal"].tolist() == ["01", "02", "01", "NA"]
    assert "sheet: 'Data'" in panel.notes
