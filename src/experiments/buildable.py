"""Whether a run can be built: checked before anything is trained or recorded."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
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
    """Build each run, once where several are alike; raise InputError as `build` does."""
    built = set()
    for spec in specs:
        values = repr([spec.cfg.checkpoints, *(getattr(spec.cfg, group) for group in GROUPS)])
        if values not in built:
            build(spec)
        built.add(values)


def build(spec: RunSpec) -> keras.Model:
    """Return the initial model of a run, to train it in this process. Raise InputError if something
    cannot be built, with a sentence that names its file in conf/; or if the checkpoints cannot be
    written to their folder.
    """
    cfg, choices = spec.cfg, spec.choices
    fit.prepare(cfg)
    rate = cfg.optimizer.get("learning_rate")
    if rate is None:
        raise InputError(f"{_file('optimizer', choices)} has no learning_rate: add one.")
    steps: dict[str, Callable[[], Any]] = {
        "augmentation": partial(instantiate, cfg.augmentation),
        "schedule": partial(instantiate, cfg.schedule, learning_rate=rate, total_steps=100),
        "optimizer": partial(instantiate, cfg.optimizer, learning_rate=rate),
        "activation": partial(instantiate, cfg.activation),
        "model": partial(_initial_model, cfg),
    }
    for group, step in steps.items():
        try:
            made = step()
        except Exception as error:  # whatever a `_target_` raises
            cause = root_cause(error)
            text = f": {cause}"
            if not isinstance(cause, InputError):
                text = f" cannot be built with its values ({_reason(error)}): fix the file, or "
                text += "what overrides it."
            raise InputError(f"{_file(group, choices)}{text}") from error
        if group == "activation":
            _check_activation(made, _file(group, choices))
    if made.output_shape != (None, CLASSES):
        raise InputError(
            f"{_file('model', choices)} makes a model with the output {made.output_shape}, "
            f"expected {(None, CLASSES)}: end it with a layer of {CLASSES} units."
        )
    checkpoint_place.refuse_unusable(cfg.checkpoints)
    return made


def _initial_model(cfg: Config) -> keras.Model:
    fit.prepare(cfg)  # again, because other layers change the random state and the next names
    return fit.build_model(cfg)


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
