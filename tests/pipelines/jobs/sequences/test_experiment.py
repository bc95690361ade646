"""Series of a job and their test part, before any run."""

from pipelines.config.sequence_job import read_any_job
from pipelines.jobs.sequences.experiment import read_experiment


def test_a_test_part_of_a_few_series_is_said_to_tell_nothing(bumps_csv, tmp_path):
    def notes(count):
        source = bumps_csv(tmp_path / "bumps.csv", count)
        return read_experiment(read_any_job(source, {"task": "classify"})).notes

    few = [note for note in notes(20) if "say almost nothing" in note]
    many = [note for note in notes(80) if "say almost nothing" in note]

    assert few == ["4 series for the test say almost nothing"]
    assert many == []
