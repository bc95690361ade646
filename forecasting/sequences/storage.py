"""Saved models of discrete series: the folder of the forecasters, JSON and tensors.

``config.json`` has a ``task``: ``classify``, ``label`` or ``next``. Networks are stored
in the precision in which they answer, so that a loaded model gives the same numbers.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from forecasting.errors import ArtifactError, ForecastingError, NotFittedError
from forecasting.forecaster.storage.artifact import (
    damaged_artifact,
    locate_artifact,
    read_artifact,
    write_artifact,
)
from forecasting.sequences.base import SeriesEstimator
from forecasting.sequences.classifier import SequenceClassifier
from forecasting.sequences.estimators import (
    GRUClassifier,
    LSTMClassifier,
    RNNClassifier,
)
from forecasting.sequences.features.mixture import FeatureMixture, select
from forecasting.sequences.labeler import SequenceLabeler
from forecasting.sequences.network import SequenceNetwork
from forecasting.sequences.reading.columns import SequenceColumns
from forecasting.sequences.scaling import ChannelScaler
from forecasting.sequences.symbols.alphabet import Alphabet
from forecasting.sequences.symbols.model import SymbolModel

SequenceModel = SequenceClassifier | SequenceLabeler | SymbolModel
Tensors = Mapping[str, Tensor]
CLASSIFIERS = {c.__name__: c for c in (RNNClassifier, LSTMClassifier, GRUClassifier)}


def save_sequence_model(
    model: SequenceModel, path: Path | str, columns: SequenceColumns | None = None
) -> None:
    """Write a trained model to a folder, atomically.

    Args:
        model: a trained model.
        path: of the folder.
        columns: of the data that it reads; None for those that it was loaded with, or
            the default ones.

    Raises:
        NotFittedError: the model has not been trained.
        ArtifactError: the folder cannot be written.
    """
    if not hasattr(model, "history_"):
        raise NotFittedError(type(model).__name__)
    settings = model.get_params()
    if not isinstance(settings["random_state"], int | np.integer):
        settings["random_state"] = None
    plain = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in settings.items()
    }
    config, tensors = _pack(model)
    stored = {name: tensor.contiguous() for name, tensor in tensors.items()}
    columns = columns or model.columns_
    config = {"settings": plain, "columns": columns.to_plain(), **config}
    write_artifact(Path(path), config, stored)


def count_bytes(model: SequenceModel) -> int:
    """Return the bytes of all tensors of a trained model."""
    return sum(tensor.nbytes for tensor in _pack(model)[1].values())


def load_sequence_model(path: Path | str) -> SequenceModel:
    """Read a model that `save_sequence_model` wrote.

    Args:
        path: its folder, or an MLflow model that holds it.

    Raises:
        ArtifactError: the folder is missing, damaged, of a later format, or holds a
            forecaster.
    """
    folder = locate_artifact(Path(path))
    config, tensors = read_artifact(folder)
    task = config.get("task")
    if task not in _UNPACK:
        problem = "it is a forecaster, or of an unknown task"
        raise ArtifactError(folder, problem, "Use recast forecast, or Forecaster.load.")
    try:
        model = _UNPACK[task](config, tensors)
        if "columns" in config:
            model.columns_ = SequenceColumns.from_plain(config["columns"])
        return model
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RuntimeError,
        ForecastingError,
    ) as error:
        raise damaged_artifact(folder, f"{type(error).__name__}: {error}") from error


def _pack(model: SequenceModel) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the settings of the training and the tensors of a model."""
    if isinstance(model, SymbolModel):
        return _pack_symbols(model)
    return _pack_series(model)


def _pack_series(
    model: SequenceClassifier | SequenceLabeler,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    is_classifier = isinstance(model, SequenceClassifier)
    config = {
        "task": "classify" if is_classifier else "label",
        "estimator": type(model).__name__,
        "classes": model.classes_.tolist(),
        "channels": model.channels_,
        "steps": getattr(model, "n_features_in_", None),
        "seq_len": model.networks_[0].seq_len,
    }
    tensors = {
        "scaler.center": model.scaler_.center,
        "scaler.scale": model.scaler_.scale,
    }
    for member, network in enumerate(model.networks_):
        for name, tensor in network.state_dict().items():
            tensors[f"members.{member}.{name}"] = tensor
    if isinstance(model, SequenceClassifier):
        config |= {"patch_len": model.patch_len_, "varying": model.varying_}
        if model.mixture_ is not None:
            mixture = model.mixture_.to_tensors()
            tensors |= {f"mixture.{name}": t for name, t in mixture.items()}
    return config, tensors


def _pack_symbols(model: SymbolModel) -> tuple[dict[str, Any], dict[str, Tensor]]:
    config = {
        "task": "next",
        "symbols": list(model.alphabet_.symbols),
        "unknown": model.alphabet_.unknown,
    }
    tensors = {f"network.{n}": t for n, t in model.network_.state_dict().items()}
    return config, tensors | {"frequencies": torch.from_numpy(model.frequencies_)}


def _restore_series(
    model: SeriesEstimator, config: dict[str, Any], tensors: Tensors
) -> None:
    """Set the attributes that classifiers and labelers share."""
    model.classes_ = np.array(config["classes"])
    model.channels_, model.history_ = int(config["channels"]), []
    if config["steps"] is not None:
        model.n_features_in_ = int(config["steps"])
    model.scaler_ = ChannelScaler(
        model.normalization, tensors["scaler.center"], tensors["scaler.scale"]
    )
    if model.scaler_.center.shape != (model.channels_,):
        raise ValueError(f"scaler.center is not of {model.channels_} channels")


def _unpack_networks(
    members: int, tensors: Tensors, make: Callable[[], SequenceNetwork]
) -> list[SequenceNetwork]:
    networks = []
    for member in range(members):
        with torch.device("meta"):
            network = make()
        state = select(tensors, f"members.{member}.")
        network.load_state_dict(state, assign=True)
        networks.append(network.eval())
    return networks


def _unpack_classifier(config: dict[str, Any], tensors: Tensors) -> SequenceClassifier:
    model = CLASSIFIERS[config["estimator"]](**config["settings"])
    _restore_series(model, config, tensors)
    model.patch_len_, model.varying_ = config["patch_len"], config["varying"]
    settings, _ = model._configs(model.patch_len_)
    model.networks_ = _unpack_networks(
        model.members,
        tensors,
        lambda: SequenceNetwork(
            settings,
            classes=len(model.classes_),
            seq_len=config["seq_len"],
            channels=model.channels_,
            varying=model.varying_,
        ),
    )
    mixture = select(tensors, "mixture.")
    model.mixture_ = (
        None
        if model.features is None
        else FeatureMixture.from_tensors(model.features, mixture)
    )
    return model


def _unpack_labeler(config: dict[str, Any], tensors: Tensors) -> SequenceLabeler:
    model = SequenceLabeler(**config["settings"])
    _restore_series(model, config, tensors)
    settings, _ = model._configs(patch_len=1)
    model.networks_ = _unpack_networks(
        model.members,
        tensors,
        lambda: SequenceNetwork(
            settings,
            classes=len(model.classes_),
            seq_len=config["seq_len"],
            channels=model.channels_,
            at="step",
            varying=True,
        ),
    )
    return model


def _unpack_symbols(config: dict[str, Any], tensors: Tensors) -> SymbolModel:
    model = SymbolModel(**config["settings"])
    model.alphabet_ = Alphabet(tuple(config["symbols"]), config["unknown"])
    model.frequencies_ = tensors["frequencies"].numpy()
    if model.frequencies_.shape != (len(model.alphabet_),):
        raise ValueError(f"frequencies are not of {len(model.alphabet_)} symbols")
    settings, _ = model._configs()
    with torch.device("meta"):
        network = model._network(settings)
    network.load_state_dict(select(tensors, "network."), assign=True)
    model.network_, model.history_ = network.eval(), []
    return model


_UNPACK: dict[Any, Callable[[dict[str, Any], Tensors], SequenceModel]] = {
    "classify": _unpack_classifier,
    "label": _unpack_labeler,
    "next": _unpack_symbols,
}
