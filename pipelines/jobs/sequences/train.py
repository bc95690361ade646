"""Train job of discrete series: test beside the baselines, final fit, registration."""

import tempfile
import time
from pathlib import Path

import mlflow
from rich.console import Console

from forecasting.devices import pick_device
from forecasting.sequences.evaluation.baselines import measure_baselines
from forecasting.sequences.evaluation.measurement import Measurement, measure
from forecasting.sequences.storage import SequenceModel
from pipelines.checkpoints.identity import Identity
from pipelines.config.sequence_job import SequenceJob
from pipelines.jobs.sequences.experiment import (
    SequenceExperiment,
    read_experiment,
    to_frame,
)
from pipelines.jobs.sequences.promotion import TEST_ARTIFACT, record_table
from pipelines.jobs.sequences.registration import SequenceOutcome, register_sequences
from pipelines.output import plots
from pipelines.output.class_plots import plot_calibration, plot_confusion
from pipelines.output.summary import show_notes
from pipelines.tracking.links import describe_page
from pipelines.tracking.metrics import EpochLog, log_metrics, log_plot, log_table
from pipelines.tracking.registry import check_task
from pipelines.tracking.runs import (
    connect,
    dataset_of,
    log_dataset,
    name_run,
    tracked_run,
)

MAX_DATASET_ROWS = 1_000_000  # of the table whose checksum MLflow stores


def train_sequences(job: SequenceJob, console: Console) -> SequenceOutcome:
    """Run one training job of discrete series.

    Args:
        job: data, model and training.
        console: output of the progress.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        SettingError: the settings do not fit the series, the machine or the registered
            model; nothing has been written.
        TrackingError: MLflow does not answer; nothing has been written.
        TrainingDiverged: the loss became infinite.
    """
    experiment = read_experiment(job)
    connect()
    check_task(job.name, job.task)
    tags = Identity.of_files("train", job).to_tags()
    with tracked_run(job, name_run(job.name, job.cell), tags=tags) as run:
        start_seconds = time.perf_counter()
        _log_series(experiment)
        _show(console, f"{job.name}: training of {job.cell} for the test")
        tested = experiment.fit(experiment.split.training)
        label = job.cell
        measurements = {label: measure(tested, experiment.split.test)}
        measurements |= measure_baselines(tested, experiment.split)
        scores = experiment.leaderboard(measurements)
        _log_test(experiment, tested, measurements, run.info.run_id)
        if job.data.test is None:
            _show(console, f"{job.name}: training of {job.cell} on all series")
        model = experiment.fit_final(tested)
        seconds = time.perf_counter() - start_seconds
        log_metrics({"timing/seconds": seconds})
        device = pick_device(job.training["device"]).type
        mlflow.set_tags({"device": device, "task": job.task})
        version, verdict = register_sequences(experiment, model, measurements, run)
        return SequenceOutcome(
            name=job.name,
            version=version,
            alias=job.registry.alias,
            task=job.task,
            verdict=verdict,
            scores=scores,
            label=label,
            test=experiment.split.description,
            run_id=run.info.run_id,
            device=device,
            seconds=seconds,
            notes=experiment.notes,
            page=describe_page(run.info.experiment_id, run.info.run_id),
        )


def _show(console: Console, line: str) -> None:
    show_notes(console, [line])


def _log_series(experiment: SequenceExperiment) -> None:
    """Log the series of the open run as its training data."""
    columns, path = experiment.columns, experiment.job.data.path
    if experiment.rows <= MAX_DATASET_ROWS:
        frame = to_frame(experiment.data, columns)
        log_dataset(dataset_of(frame, path, columns.label or columns.symbol))


def _log_test(
    experiment: SequenceExperiment,
    model: SequenceModel,
    measurements: dict[str, Measurement],
    run_id: str,
) -> None:
    """Log losses, figures, record and plots of the test to the open run."""
    label, task = experiment.job.cell, experiment.job.task
    with EpochLog(run_id) as epochs:
        for record in model.history_:
            epochs(record)
    metrics = {"test/series": float(len(experiment.split.test))}
    for name, measurement in measurements.items():
        section = "test/" if name == label else f"baselines/{name}/"
        metrics |= {f"{section}{key}": v for key, v in measurement.scores.items()}
    log_metrics(metrics)
    log_table(experiment.leaderboard(measurements).reset_index(), "leaderboard.json")
    _log_record(measurements[label])
    caption = f"{experiment.job.name}: {task}, {experiment.split.description}"
    log_plot(plots.plot_loss(model.history_, caption), "loss")
    measurement = measurements[label]
    if measurement.counts is not None and measurement.stated is not None:
        figure = plot_confusion(measurement.counts, measurement.classes, caption)
        log_plot(figure, "confusion")
        figure = plot_calibration(measurement.stated, measurement.right, caption)
        log_plot(figure, "calibration")


def _log_record(measurement: Measurement) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TEST_ARTIFACT
        record_table(measurement).to_csv(path, index=False)
        mlflow.log_artifact(str(path))
