"""Start-up times of the commands of `recast`, as ratios to an import of torch.

    python -m benchmarks.start_up
    python -m benchmarks.start_up --rounds 5 --json start-up.json

Each command runs in a fresh process; its processor time is counted, of user and system,
so that other work on the machine disturbs it little. ``python -c 'import torch'`` takes
turns with the commands: the ratios hold on any machine.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.plan import print_progress

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = "import torch"
MLFLOW = "import mlflow"
RECAST = [sys.executable, "-m", "pipelines"]
SERIES = ROOT / "data" / "sunspots.csv"
TRAINING = "first train"  # in an empty folder: it creates the store
COMMANDS: dict[str, list[str]] = {
    REFERENCE: [sys.executable, "-c", REFERENCE],
    MLFLOW: [sys.executable, "-c", MLFLOW],
    "--help": [*RECAST, "--help"],
    "usage error": [*RECAST, "train", "--horizn", "3"],
    "missing file": [*RECAST, "train", "missing.csv"],
    "open question": [*RECAST, "train", "open.csv"],
    "inspect": [*RECAST, "inspect", "sunspots.csv"],
    TRAINING: [*RECAST, "train", "sunspots.csv"],
    "models": [*RECAST, "models"],
    "forecast": [*RECAST, "forecast", "sunspots"],
}
EXIT_CODES = (0, 2)  # of an answer, and of one to a mistake of the user


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    options = _parse(arguments)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        _write_files(Path(folder))
        for number in range(options.rounds):
            for name, command in COMMANDS.items():
                if name == TRAINING and number:
                    continue
                print_progress(f"round {number + 1}: {name} ...")
                seconds[name].append(measure(command, Path(folder)))
    rows = summarize(seconds)
    print("\n".join(format_rows(rows)))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


def measure(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Return processor and wall seconds of a command.

    Raises:
        SystemExit: it failed; the message has the end of its errors.
    """
    before, start = _cpu_of_children(), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    wall = time.perf_counter() - start
    if done.returncode not in EXIT_CODES:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-1000:]}")
    return _cpu_of_children() - before, wall


def summarize(
    seconds: dict[str, list[tuple[float, float]]],
) -> dict[str, dict[str, float]]:
    """Return medians of processor and wall seconds, and the ratio to torch."""
    medians = {
        name: [statistics.median(values) for values in zip(*runs, strict=True)]
        for name, runs in seconds.items()
    }
    torch = medians[REFERENCE][0]
    return {
        name: {"cpu": cpu, "seconds": wall, "ratio": cpu / torch}
        for name, (cpu, wall) in medians.items()
    }


def format_rows(rows: dict[str, dict[str, float]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = ["| command | processor | wall | of `import torch` |", "|---|--:|--:|--:|"]
    for name, row in rows.items():
        times = f"{row['cpu']:.2f} s | {row['seconds']:.2f} s | {row['ratio']:.2f}"
        lines.append(f"| `{name}` | {times} |")
    return lines


def _write_files(folder: Path) -> None:
    shutil.copy(SERIES, folder)
    (folder / "open.csv").write_text("day,a,b\n2024-01-01,1,2\n2024-01-02,2,3\n")


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.start_up",
        description="Measure the start-up of commands, as ratios to import torch.",
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each command")
    parser.add_argument("--json", type=Path, help="file to write")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
