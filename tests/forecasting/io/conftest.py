"""Small files of the tests."""

import pytest


@pytest.fixture
def csv(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(content, name="sales.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def column_file(csv):
    """Return a function that writes days and one column of cells to a file."""

    def write(cells, delimiter=","):
        lines = [f"day{delimiter}sales"]
        for i, cell in enumerate(cells.split("|")):
            field = f'"{cell}"' if delimiter in cell else cell
            lines.append(f"2024-01-{i + 1:02d}{delimiter}{field}")
        return csv("\n".join(lines) + "\n")

    return write
