"""Classifiers of series, labels of steps, and a model of symbols.

    python -m benchmarks.sequences --archive FOLDER [--text FILE]

FOLDER has a folder for each set of the UCR and UEA archives, with NAME_TRAIN.ts and
NAME_TEST.ts: those of the wheel of aeon 1.6, aeon/datasets/data. FILE is a gzipped
text. All settings are those of `RIVALS`, one for all sets. Seconds are of the
processor.
"""

import argparse
import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
from sklearn.metrics import f1_score

from benchmarks.discrete.activity import WindowClassifier, join_activities
from benchmarks.discrete.tutorial import TutorialClassifier
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
CELLS = {"rnn": RNNClassifier, "lstm": LSTMClassifier, "gru": GRUClassifier}
ROUNDS = 3  # of the comparison of speed


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
    classifier: SequenceClassifier | TutorialClassifier, folder: Path, name: str
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
    """Yield the comparison of three cells: 3 layers of 300 units, 30 epochs.

    Beside each is the plain loop of torch, with the same layers, epochs, batch size and
    learning rate.
    """
    for cell, make in CELLS.items():
        for name in BUDGET:
            classifier = make(
                hidden_size=300,
                num_layers=3,
                members=1,
                epochs=30,
                learning_rate=1e-3,
                validation=0,
                random_state=0,
            )
            plain = TutorialClassifier(cell, 300, 3, epochs=30)
            for rival, model in (("Recast", classifier), ("plain torch", plain)):
                accuracy, seconds = measure(model, folder, name)
                figures = f"{accuracy:.3f} {seconds:6.1f} CPU s"
                yield f"{cell:4} 3 x 300 {rival:12} {name:16} {figures}"


def speed_line(folder: Path) -> str:
    """Return the ratio of the plain loop's time to that of the compiled loops.

    Both train one GRU of 32 units on GunPoint, step by step, for 20 epochs; medians of
    fits in turns.
    """
    series, labels = read_archive(folder / "GunPoint" / "GunPoint_TRAIN.ts")
    ours, plain = list[float](), list[float]()
    for _ in range(ROUNDS + 1):  # the first loads and compiles
        classifier = GRUClassifier(
            hidden_size=32,
            members=1,
            epochs=20,
            patch_len=1,
            validation=0,
            engine="fused",
            random_state=0,
        )
        tutorial = TutorialClassifier("gru", 32, 1, epochs=20)
        for times, model in ((ours, classifier), (plain, tutorial)):
            begin = time.process_time()
            model.fit(series, labels)
            times.append(time.process_time() - begin)
    ratio = median(plain[1:]) / median(ours[1:])
    return f"one GRU of 32 units: the plain loop takes {ratio:.1f} times as long"


def symbols_line(path: Path) -> str:
    """Return the cross-entropy of the last tenth of a text, and the seconds."""
    text = gzip.decompress(path.read_bytes()).decode()
    cut = len(text) * 9 // 10
    model = SymbolModel(
        cell="gru",
        hidden_size=256,
        embedding=64,
        truncate=64,
        learning_rate=6e-3,
        epochs=5,
        validation=0,
        random_state=0,
    )
    begin = time.process_time()
    model.fit(text[:cut])
    seconds = time.process_time() - begin
    return f"next character: {-model.score(text[cut:]):.3f} nats, {seconds:.0f} CPU s"


def steps_table(folder: Path) -> Iterator[str]:
    """Yield the macro F1 of labels of steps, beside a classifier of windows."""
    values, labels = join_activities(folder, "TRAIN", seed=0)
    later, later_labels = join_activities(folder, "TEST", seed=1)
    labeler = SequenceLabeler(random_state=0)
    begin = time.process_time()
    labeler.fit([values], [labels.tolist()])
    [found] = labeler.predict([later])
    seconds = time.process_time() - begin
    figure = f1_score(later_labels, found, average="macro")
    yield f"labels of steps, labeler: macro F1 {figure:.3f}, {seconds:.0f} CPU s"
    rival = WindowClassifier()
    begin = time.process_time()
    rival.fit(values, labels)
    figure = f1_score(later_labels, rival.predict(later), average="macro")
    seconds = time.process_time() - begin
    yield f"labels of steps, window MLP: macro F1 {figure:.3f}, {seconds:.0f} CPU s"


def main() -> None:
    """Print the tables; a part without its file is skipped with a word."""
    parser = argparse.ArgumentParser(description="Measure models of discrete series.")
    parser.add_argument("--archive", type=Path, help="folder of the archive's sets")
    parser.add_argument("--text", type=Path, help="gzipped text of characters")
    options = parser.parse_args()
    for name, value in vars(options).items():
        if value is None or not value.exists():
            print(f"--{name}: {value or 'not given'}; skipped")
            setattr(options, name, None)
    if options.archive:
        for table in (archive_table, steps_table, budget_table):
            for line in table(options.archive):
                print(line, flush=True)
        print(speed_line(options.archive), flush=True)
    if options.text:
        print(symbols_line(options.text), flush=True)


if __name__ == "__main__":
    main()
