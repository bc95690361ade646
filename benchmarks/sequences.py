"""Accuracy of classifiers of series, of labels of steps, and of a model of symbols.

    python -m benchmarks.sequences --archive FOLDER [--text FILE] [--steps FILE]

FOLDER has a folder for each set of the UCR and UEA archives, with NAME_TRAIN.ts and
NAME_TEST.ts: those of the wheel of aeon 1.6, aeon/datasets/data. All settings are those
of `RIVALS`, one for all sets.
"""

import argparse
import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from forecasting import (
    GRUClassifier,
    LSTMClassifier,
    RNNClassifier,
    SequenceLabeler,
    SymbolModel,
    read_archive,
)
from forecasting.sequences.classifier import SequenceClassifier
from forecasting.sequences.features.mixture import FeatureKind

UNIVARIATE = ("ACSF1", "ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf")
MULTIVARIATE = ("BasicMotions", "JapaneseVowels")
BUDGET = ("GunPoint", "JapaneseVowels")


def light_gru(features: FeatureKind) -> GRUClassifier:
    """Return small networks, mixed with random features."""
    return GRUClassifier(
        hidden_size=32, members=2, epochs=30, features=features, random_state=0
    )


RIVALS: dict[str, Callable[[], SequenceClassifier]] = {
    "GRU": lambda: GRUClassifier(random_state=0),
    "GRU and random recurrent networks": lambda: light_gru("reservoirs"),
    "GRU and random convolutions": lambda: light_gru("convolutions"),
}


def measure(
    classifier: SequenceClassifier, folder: Path, name: str
) -> tuple[float, float]:
    """Return the accuracy on the test part, and the CPU seconds of fit and test."""
    series, labels = read_archive(folder / name / f"{name}_TRAIN.ts")
    later, later_labels = read_archive(folder / name / f"{name}_TEST.ts")
    begin = time.process_time()
    accuracy = classifier.fit(series, labels).score(later, later_labels)
    return float(accuracy), time.process_time() - begin


def archive_table(folder: Path) -> Iterator[str]:
    """Yield a line for each rival and set, with means over the univariate ones."""
    for rival, make in RIVALS.items():
        accuracies, total = [], 0.0
        for name in (*UNIVARIATE, *MULTIVARIATE):
            accuracy, seconds = measure(make(), folder, name)
            yield f"{rival:35} {name:18} {accuracy:.3f} {seconds:6.1f} CPU s"
            if name in UNIVARIATE:
                accuracies.append(accuracy)
                total += seconds
        yield f"{rival:35} {'mean of five':18} {np.mean(accuracies):.3f} {total:6.1f}"


def budget_table(folder: Path) -> Iterator[str]:
    """Yield the comparison of the three cells: 3 layers of 300 units, one budget."""
    for cell in (RNNClassifier, LSTMClassifier, GRUClassifier):
        for name in BUDGET:
            classifier = cell(
                hidden_size=300, num_layers=3, members=1, epochs=10, random_state=0
            )
            accuracy, seconds = measure(classifier, folder, name)
            yield f"{cell.__name__:16} 3 x 300 {name:16} {accuracy:.3f} {seconds:6.1f}"


def symbols_line(path: Path) -> str:
    """Return the cross-entropy of the last tenth of a text, and the CPU seconds."""
    text = gzip.decompress(path.read_bytes()).decode()
    cut = len(text) * 9 // 10
    model = SymbolModel(
        cell="gru",
        hidden_size=384,
        embedding=64,
        truncate=64,
        learning_rate=4e-3,
        epochs=2,
        validation=0.01,
        random_state=0,
    )
    begin = time.process_time()
    model.fit(text[:cut])
    seconds = time.process_time() - begin
    return f"next character: {-model.score(text[cut:]):.3f} nats, {seconds:.0f} CPU s"


def steps_line(path: Path) -> str:
    """Return the F1 of labels of steps on the last 40 % of a recording.

    Args:
        path: CSV, the last column with the label of each step, others with numbers.
    """
    frame = pd.read_csv(path)
    label = frame.columns[-1]
    values = frame.drop(columns=label).select_dtypes("number").to_numpy(np.float64)
    labels = frame[label].to_numpy()
    cut = len(values) * 6 // 10
    labeler = SequenceLabeler(epochs=10, normalization="standard", random_state=0)
    begin = time.process_time()
    labeler.fit([values[:cut]], [labels[:cut].tolist()])
    (found,) = labeler.predict([values[cut:]])
    seconds = time.process_time() - begin
    figure = f1_score(labels[cut:], found, average="macro")
    return f"labels of steps: macro F1 {figure:.3f}, {seconds:.0f} CPU s"


def main() -> None:
    """Print the tables; a part without its file is skipped with a word."""
    parser = argparse.ArgumentParser(description="Measure models of discrete series.")
    parser.add_argument("--archive", type=Path, help="folder of the archive's sets")
    parser.add_argument("--text", type=Path, help="gzipped text of characters")
    parser.add_argument("--steps", type=Path, help="CSV, its last column a label")
    options = parser.parse_args()
    for name, value in vars(options).items():
        if value is None or not value.exists():
            print(f"--{name}: {value or 'not given'}; skipped")
            setattr(options, name, None)
    if options.archive:
        for line in (*archive_table(options.archive), *budget_table(options.archive)):
            print(line, flush=True)
    if options.text:
        print(symbols_line(options.text), flush=True)
    if options.steps:
        print(steps_line(options.steps), flush=True)


if __name__ == "__main__":
    main()
