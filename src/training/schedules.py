"""Learning-rate schedules, by the step or by the validation."""

from typing import NamedTuple

import keras


class Schedule(NamedTuple):
    """A learning rate for the optimizer, fixed or by the step, and callbacks for `fit`."""

    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule
    callbacks: tuple[keras.callbacks.Callback, ...] = ()


def constant(learning_rate: float, total_steps: int) -> Schedule:
    """Return a constant rate."""
    return Schedule(learning_rate)


def one_cycle(
    learning_rate: float, total_steps: int, *, warmup: float, initial_factor: float
) -> Schedule:
    """Return a linear rise to `learning_rate` in the fraction `warmup` of all steps, from that rate
    times `initial_factor`, and a cosine descent to zero (Smith and Topin, arXiv:1708.07120).
    """
    steps = round(warmup * total_steps)
    decay = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=initial_factor * learning_rate if steps else learning_rate,
        decay_steps=max(1, total_steps - steps),
        alpha=0.0,
        warmup_target=learning_rate if steps else None,
        warmup_steps=steps,
    )
    return Schedule(decay)


def reduce_on_plateau(
    learning_rate: float, total_steps: int, *, factor: float, patience: int, min_lr: float
) -> Schedule:
    """Return a rate that is cut by `factor` after `patience` epochs without a better validation."""
    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="val_accuracy", mode="max", factor=factor, patience=patience, min_lr=min_lr
    )
    return Schedule(learning_rate, (plateau,))
