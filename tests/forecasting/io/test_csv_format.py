"""Titles, headers and delimiters of CSV files, and files as programs write them."""

import pytest

from forecasting.errors import DataError, UnreadableData
from forecasting.io import read_csv

ROWS = "2024-01-01,1.5\n2024-01-02,2\n2024-01-03,4\n"
PLAIN = f"day,sales\n{ROWS}"


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\n" + PLAIN.replace(",", ";"),
        '"sep=;"\r\n' + PLAIN.replace(",", ";").replace("\n", "\r\n"),
        "SEP=\t\n" + PLAIN.replace(",", "\t"),
        "sep=,\n" + PLAIN,
        "sep=^\n" + PLAIN.replace(",", "^"),
        "\ufeffsep=;\n" + PLAIN.replace(",", ";"),
    ],
)
def test_the_line_of_excel_names_the_delimiter(csv, content):
    panel = read_csv(csv(content))

    assert panel.values.tolist() == [1.5, 2, 4]
    assert any("(line 1 says so)" in note for note in panel.notes)


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("Sales report 2024\n\n", "line 1"),
        ("Sales report 2024\nfrom SAP, by month\n\n", "lines 1, 2"),
        ("Sales report 2024,\n,\n", "line 1"),
        ("# by a program\n# on 2024-05-01\n", "lines 1, 2"),
        ("\n\nSales, all\n\n\n", "line 3"),
        ('"Sales\nreport"\n', "line 2"),
    ],
)
def test_lines_above_the_header_are_left_out_and_named(csv, title, lines):
    panel = read_csv(csv(title + PLAIN))

    assert panel.values.tolist() == [1.5, 2, 4]
    assert any(f"left out above the header: {lines} (" in n for n in panel.notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("day,sales\ndd.mm.yyyy,EUR\n" + ROWS, "header: line 1 .*line 2"),
        (PLAIN + "\n" + PLAIN, r"line 6 \(day, sales\) looks like a second header"),
        ("Report:,Sales\nOn:,2024-05-01\n\n" + PLAIN, "line 4 .* second header"),
        (PLAIN.replace(".", ","), "line 2 has 3 fields"),
        ("Sales,2024\n\n" + PLAIN, "line 3 .* second header"),
        ("day,sales\n2024-01-01,1,5\n2024-01-02,2,5\n", "line 1 has 2 .* quote num"),
        ('day,sales\n2024-01-01,"1\n2024-01-02,2\n', "not every line|quotes"),
        ("day,sales\n2024-01-01," + "9" * 200_000 + "\n", "line 2 cannot be split"),
    ],
)
def test_an_open_header_is_refused_with_its_line(csv, content, message):
    with pytest.raises(UnreadableData, match=message):
        read_csv(csv(content))


@pytest.mark.parametrize(
    ("content", "target", "values"),
    [
        ("day;sales, EUR\n2024-01-01;1,00\n2024-01-02;1,25\n", "sales, EUR", [1, 1.25]),
        (
            "day;a, b, c;d, e\n2024-01-01;1,00;2,0\n2024-01-02;1,25;3,0\n",
            "a, b, c",
            [1, 1.25],
        ),
        ("day;note;s\n2024-01-01;a, b;1\n2024-01-02;c, d;2\n", "s", [1, 2]),
        ('day,note,s\n2024-01-01,"a;b;c",1\n2024-01-02,"c;d;e",2\n', "s", [1, 2]),
        ("sales\n1,5\n2,5\n", "sales", [1.5, 2.5]),
        ("day|a,b\n2024-01-01|1,5\n2024-01-02|2,5\n", "a,b", [1.5, 2.5]),
        (",0\n2024-01-01,1.5\n2024-01-02,2\n", "0", [1.5, 2]),
    ],
)
def test_the_delimiter_is_that_which_makes_sense(csv, content, target, values):
    panel = read_csv(csv(content), target=target)

    assert panel.values.tolist() == values


def test_lines_are_counted_with_breaks_in_quotes(csv):
    content = 'day,note,sales\n2024-01-01,"a\nb",1\n2024-01-02,c,x\n'

    with pytest.raises(DataError, match=r"line 4 \('x'\)"):
        read_csv(csv(content), target="sales")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_ending_of_lines_is_read(csv, ending):
    content = "Title\n\n" + PLAIN

    panel = read_csv(csv(content.replace("\n", ending).encode()))

    assert panel.values.tolist() == [1.5, 2, 4]


# Files exactly as programs write them.


def test_a_german_file_of_libreoffice(csv):
    """Cells as shown, fields parted by semicolons, text in quotes where needed."""
    content = (
        "\ufeffDatum;Filiale;Umsatz;Rabatt\n"
        "01.12.2023;Köln; 990,00 € ;5,00%\n"
        "02.12.2023;Köln; 1.000,50 € ;10,00%\n"
        "03.12.2023;Köln;-1.234,75 € ;0,00%\n"
        "14.12.2023;Köln;;7,50%\n"
    )

    panel = read_csv(
        csv(content), target="Umsatz", known_covariates="Rabatt",
        static_covariates="Filiale", missing="zero",
    )  # fmt: skip

    assert panel.values[:3].tolist() == [990, 1000.5, -1234.75]
    assert panel.covariates["Rabatt"][:3].tolist() == [5, 10, 0]
    assert panel.covariates["Filiale"][0] == "Köln"


def test_an_english_file_of_libreoffice(csv):
    content = (
        'Date,Sales\n2023-12-01,"$990.00"\n2023-12-02,"$1,000.50"\n'
        '2023-12-03,"-$1,234.75"\n'
    )

    assert read_csv(csv(content)).values.tolist() == [990, 1000.5, -1234.75]


def test_a_file_of_write_csv2_of_r(csv):
    """Row names, semicolons, decimal commas, NA without quotes, LF."""
    content = (
        '"";"day";"shop";"sales";"zone"\n'
        '"1";2024-01-01;"NA";1,234;"01"\n'
        '"2";2024-01-02;"NA";NA;"02"\n'
        '"3";2024-01-03;"NA";1e-05;"01"\n'
        '"4";2024-01-04;"NA";12345,5;"01"\n'
    )

    panel = read_csv(
        csv(content), target="sales", static_covariates="shop",
        past_covariates="zone", missing="forward",
    )  # fmt: skip

    assert panel.values.tolist() == [1.234, 1.234, 1e-05, 12345.5]
    assert panel.covariates["zone"].tolist() == ["01", "02", "01", "01"]
    assert panel.covariates["shop"].tolist() == ["NA"] * 4


def test_a_file_of_write_csv_of_r(csv):
    content = '"","day","sales"\n"1",2024-01-01,5.5\n"2",2024-01-02,5.125\n'

    assert read_csv(csv(content), target="sales").values.tolist() == [5.5, 5.125]
