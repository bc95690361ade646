"""The command ``recast forecast``: of a model, or of a file, without a training.

The forecast of a file imports neither MLflow nor the registry, and makes no store.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecasting.errors import SettingError
from pipelines.cli.job_options import DATA_OPTIONS
from pipelines.cli.options import (
    AsJson,
    ColumnNames,
    ColumnNamesOption,
    Decimal,
    Encoding,
    Full,
    Missing,
    NewData,
    Output,
    SeriesId,
    Target,
    Time,
    TimeFormat,
)
from pipelines.cli.outputs import open_console, write_rows
from pipelines.cli.sources import check_files, is_data_file, read_table_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from forecasting.data.forecast import Forecast
    from forecasting.data.schema import Schema

    Result = tuple[Forecast, str, tuple[str, ...], Schema]

FILE_PANEL = "Only for a file"
TRAIN_FIRST = (
    "left out: a forecast without a training reads no covariates; train a model"
)


def _file_option(name: str) -> Any:
    """Return an option for the form of a file, with the help of the training's."""
    return typer.Option(help=DATA_OPTIONS[name].help, rich_help_panel=FILE_PANEL)


Source = Annotated[
    str,
    typer.Argument(
        metavar="FILE.csv|MODEL",
        help="A file with series (.csv, .csv.gz, .xlsx, .parquet): forecast at once, "
        "without a training. Or a registered model as name (its champion), name@alias "
        "or name/version, or a model folder.",
    ),
]

Horizon = Annotated[
    int | None,
    typer.Option(help="Steps to forecast. Default: 14; a model's trained horizon."),
]

Levels = Annotated[
    list[float] | None,
    typer.Option(
        "--level",
        help="Coverage of a central interval in percent; repeat the option for "
        "several. Default: 80 and 95.",
    ),
]

Future = Annotated[
    Path | None,
    typer.Option(
        help="CSV with the known covariates over the horizon of a model. Default: none."
    ),
]

SeasonLength = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Steps of a season, such as 7 for days with a weekly pattern; 1 for none. "
        "Default: by the frequency; without dates, found in each series.",
        rich_help_panel=FILE_PANEL,
    ),
]


Freq = Annotated[str | None, _file_option("freq")]
Zone = Annotated[str | None, _file_option("zone")]
Resample = Annotated[str | None, _file_option("resample")]
Aggregate = Annotated[str | None, _file_option("aggregate")]
Covariates = Annotated[list[str] | None, typer.Option(hidden=True)]


def forecast_command(
    source: Source,
    data: NewData = None,
    future: Future = None,
    horizon: Horizon = None,
    level: Levels = None,
    time: Time = None,
    target: Target = None,
    series_id: SeriesId = None,
    time_format: TimeFormat = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    missing: Missing = None,
    season_length: SeasonLength = None,
    freq: Freq = None,
    zone: Zone = None,
    resample: Resample = None,
    aggregate: Aggregate = None,
    known: Covariates = None,
    past: Covariates = None,
    static: Covariates = None,
    text: Covariates = None,
    output: Output = None,
    full: Full = False,
    column_names: ColumnNamesOption = ColumnNames.recast,
    as_json: AsJson = False,
) -> None:
    """Forecast a file without a training, or series with a registered model.

    For a file: all its series, with intervals, by smoothing, regression and a network
    that was trained on synthetic series. Columns and season are found unless an option
    says them. Nothing is trained, tracked or registered.

    For a model: its training series, or new observations in --data.

    Prints point forecasts and intervals, or writes them to a file: all series and
    steps.

    Examples:
      recast forecast sales.csv --horizon 14
      recast forecast sales.csv --season-length 7 --output forecast.csv
      recast forecast shops.csv --series-id store,item --missing zero --json
      recast forecast sales
      recast forecast sales --output - --column-names data
      recast forecast sales/3 --data latest.csv --horizon 7 --output forecast.parquet
    """
    from pipelines.output.files import check_output

    is_file = is_data_file(source)
    check_files(Path(source) if is_file else None, data, future)
    check_output(output)
    console = open_console(output, as_json)
    columns = {
        "time": time,
        "target": target,
        "series_id": series_id,
        "time_format": time_format,
        "decimal": decimal,
        "encoding": encoding,
        "missing": missing,
    }
    file_settings = {"freq": freq, "zone": zone, "resample": resample}
    file_settings |= {"aggregate": aggregate}
    covariates = {"known": known, "past": past, "static": static, "text": text}
    levels = tuple(level or (80.0, 95.0))
    if is_file:
        _refuse(
            covariates | {"future": future}, f"{TRAIN_FIRST}: recast train {source}"
        )
        _refuse({"data": data}, f"left out: the series are those of {source}")
        prediction, name, notes, schema = _forecast_file(
            Path(source), columns | file_settings, horizon, season_length, levels
        )
    else:
        refused = {"season_length": season_length} | file_settings | covariates
        _refuse(refused, f"left out with a model: {source} has that of its training")
        prediction, name, notes, schema = _forecast_model(
            source, data, future, columns, horizon, levels
        )
    if as_json:
        from pipelines.cli.printing.as_json import plain_forecast, print_json

        print_json(plain_forecast(prediction, name, notes))
    else:
        from pipelines.cli.printing import tables

        tables.print_notes(console, notes)
    if output is not None:
        names = schema if column_names == "data" else None
        write_rows(console, prediction.to_frame(), output, full=full, schema=names)
    elif not as_json:
        tables.print_forecast(console, prediction, name)


def _refuse(options: "Mapping[str, Any]", expected: str) -> None:
    """Refuse the options that have a value.

    Raises:
        SettingError: one has; its name and value are in the message.
    """
    for name, value in options.items():
        if value not in (None, []):
            shown = str(value) if isinstance(value, Path) else value
            raise SettingError(f"--{name.replace('_', '-')}", shown, expected)


def _forecast_file(
    path: Path,
    settings: "Mapping[str, Any]",
    horizon: int | None,
    season_length: int | None,
    levels: tuple[float, ...],
) -> "Result":
    """Read the series of a file and forecast them."""
    panel = read_table_file(path, {k: v for k, v in settings.items() if v is not None})
    from pipelines.jobs.zero_shot import forecast_panel

    prediction, name, notes = forecast_panel(
        panel, horizon=horizon, season_length=season_length, levels=levels
    )
    return prediction, name, notes, panel.schema


def _forecast_model(
    reference: str,
    data: Path | None,
    future: Path | None,
    columns: "Mapping[str, Any]",
    horizon: int | None,
    levels: tuple[float, ...],
) -> "Result":
    """Load a model and forecast its series, or new observations."""
    from pipelines.jobs.forecast import forecast, load_model

    forecaster, name = load_model(reference)
    prediction, notes = forecast(
        forecaster,
        data=data,
        future=future,
        columns=columns,
        horizon=horizon,
        levels=levels,
    )
    return prediction, name, notes, forecaster.trained.context.schema
