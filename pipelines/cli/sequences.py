"""Commands for models of discrete series; torch is imported when they run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from forecasting.errors import SettingError
from pipelines.cli.options import AsJson, Full, Output, TrainedModel
from pipelines.cli.outputs import open_console, write_rows
from pipelines.cli.sources import check_files

if TYPE_CHECKING:
    from forecasting.sequences.storage import SequenceModel
    from pipelines.config.sequence_job import SequenceJob

NewSeries = Annotated[
    Path,
    typer.Option(
        help="File with the series: a table with the columns of the training, labels "
        "may be absent; .ts or .tsv of the UCR and UEA archives; .txt for a model of "
        "characters.",
        show_default=False,
    ),
]


def train_discrete(
    job: "SequenceJob", console: Console, work: Mapping[str, object], as_json: bool
) -> None:
    """Train a model of discrete series and print the outcome.

    Args:
        job: settings.
        console: output.
        work: options of unfinished work, by name, which it does not take.
        as_json: print the outcome as JSON.

    Raises:
        UnreadableData: a file is missing.
        SettingError: an option is only for forecasts.
    """
    check_files(job.data.path, job.data.test)
    for option, value in work.items():
        if value not in (None, False):
            expected = f"left out with the task {job.task}: it is for forecasts"
            raise SettingError(option, str(value), expected)
    from pipelines.jobs.sequences.train import train_sequences

    outcome = train_sequences(job, console)
    if as_json:
        from pipelines.cli.printing.as_json import plain_sequences, print_json

        print_json(plain_sequences(outcome))
        return
    from pipelines.cli.printing.sequences import print_sequences

    print_sequences(console, outcome)


def predict_command(
    model: TrainedModel,
    data: NewSeries,
    output: Output = None,
    full: Full = False,
    as_json: AsJson = False,
) -> None:
    """Answer for new series with a model of discrete series (recast train --task).

    classify: a row for each series, with its label and the probability of each class.
    label: a row for each step. next: a row for each series, with the symbol that
    follows.

    Examples:
      recast predict gestures --data new.csv
      recast predict gestures/2 --data GunPoint_TEST.tsv --output labels.csv
      recast predict verse --data poem.txt --json
    """
    from pipelines.output.files import check_output, to_records

    check_files(data)
    check_output(output)
    console = open_console(output, as_json)
    from pipelines.jobs.sequences.predict import load_sequence, predict_file

    trained, name = load_sequence(model)
    table, notes = predict_file(trained, data)
    if as_json:
        from pipelines.cli.printing.as_json import print_json

        plain = {"model": name, "task": trained.task, "notes": list(notes)}
        print_json(plain | {"predictions": to_records(table)})
    else:
        from pipelines.cli.printing import sequences, tables

        tables.print_notes(console, notes)
    if output is not None:
        write_rows(console, table, output, full=full)
    elif not as_json:
        sequences.print_predictions(console, table, name)


def explain_discrete(
    console: Console,
    model: "SequenceModel",
    name: str,
    data: Path | None,
    output: Path | None,
    full: bool,
    as_json: bool,
) -> None:
    """Print the parts of steps in the labels of series, or write them.

    Args:
        console: output.
        model: a classifier.
        name: of the model.
        data: file with series.
        output: file of the table.
        full: write all digits.
        as_json: print the table as JSON.

    Raises:
        SettingError: the model is no classifier, there is no file, or the output
            is a picture.
    """
    if output is not None and output.suffix.lower() == ".png":
        raise SettingError("output", str(output), "a table: .csv, .parquet or .json")
    from pipelines.jobs.sequences.predict import explain_file

    table, notes = explain_file(model, name, data)
    if as_json:
        from pipelines.cli.printing.as_json import print_json
        from pipelines.output.files import to_records

        plain = {"model": name, "task": model.task, "notes": list(notes)}
        print_json(plain | {"parts": to_records(table)})
    if output is not None:
        write_rows(console, table, output, full=full)
    elif not as_json:
        from pipelines.cli.printing.sequences import print_predictions

        print_predictions(console, table, name)


def generate_command(
    model: TrainedModel,
    seed: Annotated[
        str,
        typer.Option(
            help="Symbols to begin with: a text, or symbols with spaces between. "
            "Default: one drawn by its frequency."
        ),
    ] = "",
    length: Annotated[
        int, typer.Option(help="Number of symbols, at most 100,000.")
    ] = 200,
    temperature: Annotated[
        float,
        typer.Option(
            help="Below 1, probable symbols become more probable; above 1, less."
        ),
    ] = 1.0,
    top_k: Annotated[
        int | None,
        typer.Option(help="Draw among so many most probable symbols. Default: all."),
    ] = None,
    stop: Annotated[
        str | None,
        typer.Option(help="Symbol that ends the generation. Default: none."),
    ] = None,
    random_state: Annotated[
        int | None,
        typer.Option(
            help="Seed of the draws: the same one gives the same symbols. Default: "
            "another one each time."
        ),
    ] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Generate symbols with a model of the next symbol (recast train --task next).

    Each symbol is drawn by its probability, and read before the next one.

    Examples:
      recast generate verse --seed "hel" --length 200
      recast generate verse --temperature 0.5 --random-state 0
      recast generate events --seed "start load" --stop end --json
    """
    from pipelines.output.files import check_output

    check_output(output)
    console = open_console(output, as_json)
    from pipelines.jobs.sequences.predict import generate_symbols, load_sequence

    trained, name = load_sequence(model)
    result = generate_symbols(
        trained,
        name,
        seed=seed,
        length=length,
        temperature=temperature,
        top_k=top_k,
        stop=stop,
        random_state=random_state,
    )
    if as_json:
        from pipelines.cli.printing.as_json import print_json

        plain = {"model": name, "seed": seed, "symbols": result.symbols}
        print_json(plain | {"text": result.text, "stopped": result.stopped})
    if output is not None:
        write_rows(console, result.to_frame(), output, full=True)
    elif not as_json:
        text = (
            " ".join(map(str, result.symbols)) if result.text is None else result.text
        )
        typer.echo(seed + text if result.text is not None else text)
