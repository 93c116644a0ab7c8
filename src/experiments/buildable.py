"""Whether a run can be built: checked before anything is trained or recorded."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
from hydra.utils import instantiate

from src.config.messages import root_cause
from src.config.schema import GROUPS, Config
from src.core import checkpoint_place
from src.core.errors import InputError
from src.data.digits import CLASSES
from src.experiments.run_spec import RunSpec
from src.training import fit

TERMINAL_CODES = re.compile(r"\x1b\[\d*m")  # Keras puts some of its messages in bold


def refuse_unbuildable(specs: Iterable[RunSpec]) -> None:
    """Build the model of each run, once where several are alike. Raise InputError that names a file
    in conf/ if it cannot be built, or if its checkpoints cannot be written to their folder.
    """
    different: dict[str, RunSpec] = {}
    places = set()
    for spec in specs:
        different.setdefault(repr([getattr(spec.cfg, group) for group in GROUPS]), spec)
        places.add(spec.cfg.checkpoints)
    for spec in different.values():
        fit.prepare(spec.cfg)
        _build(spec.cfg, spec.choices)
    for place in places:
        checkpoint_place.refuse_unusable(place)


def _build(cfg: Config, choices: Mapping[str, str]) -> None:
    rate = cfg.optimizer.get("learning_rate")
    if rate is None:
        raise InputError(f"{_file('optimizer', choices)} has no learning_rate: add one.")
    steps: dict[str, Callable[[], Any]] = {
        "augmentation": lambda: instantiate(cfg.augmentation),
        "schedule": lambda: instantiate(cfg.schedule, learning_rate=rate, total_steps=100),
        "optimizer": lambda: instantiate(cfg.optimizer, learning_rate=rate),
        "activation": lambda: instantiate(cfg.activation),
        "model": lambda: fit.build_model(cfg),
    }
    for group, build in steps.items():
        try:
            built = build()
        except Exception as error:  # whatever a `_target_` raises
            cause = root_cause(error)
            text = f": {cause}"
            if not isinstance(cause, InputError):
                text = f" cannot be built with its values ({_reason(error)}): fix the file, or "
                text += "what overrides it."
            raise InputError(f"{_file(group, choices)}{text}") from error
        if group == "activation":
            _check_activation(built, _file(group, choices))
    if built.output_shape != (None, CLASSES):
        raise InputError(
            f"{_file('model', choices)} makes a model with the output {built.output_shape}, "
            f"expected {(None, CLASSES)}: end it with a layer of {CLASSES} units."
        )


def _check_activation(layer: Any, file: str) -> None:
    if not isinstance(layer, keras.layers.Layer):
        raise InputError(
            f"{file} makes a {type(layer).__name__}, expected a keras.layers.Layer: name one "
            "under _target_."
        )
    try:
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    except Exception as error:
        raise InputError(
            f"{file} makes a layer that cannot be saved and loaded ({_reason(error)}): decorate "
            f"{type(layer).__name__} with @keras.saving.register_keras_serializable(), and let "
            "get_config return its arguments."
        ) from error


def _file(group: str, choices: Mapping[str, str]) -> str:
    return f"conf/{group}/{choices[group]}.yaml"


def _reason(error: BaseException) -> str:
    """Return the root cause's first sentence in one line."""
    text = " ".join(TERMINAL_CODES.sub("", str(root_cause(error))).split())
    return re.split(r"\.(?: |$)", text)[0]
