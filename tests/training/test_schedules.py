import keras
import numpy as np
import pytest

from src.training import schedules


def rates(schedule, steps):
    return np.array([float(schedule.learning_rate(step)) for step in range(steps + 1)])


def test_one_cycle_rises_in_a_line_to_the_peak_and_falls_as_a_cosine_to_zero():
    found = rates(schedules.one_cycle(0.5, 100, warmup=0.2, initial_factor=0.1), 100)
    np.testing.assert_allclose(found[:21], np.linspace(0.05, 0.5, 21), rtol=1e-5)
    cosine = 0.25 * (1 + np.cos(np.pi * np.arange(81) / 80))
    np.testing.assert_allclose(found[20:], cosine, atol=1e-7)


@pytest.mark.parametrize("warmup", [0.0, 0.2, 0.999])
def test_one_cycle_without_a_warmup_starts_at_the_peak_and_a_single_step_has_a_finite_rate(warmup):
    whole = rates(schedules.one_cycle(0.5, 10, warmup=0.0, initial_factor=0.1), 10)
    assert whole[0] == pytest.approx(0.5)
    assert (np.diff(whole) < 0).all()
    found = rates(schedules.one_cycle(0.5, 1, warmup=warmup, initial_factor=0.1), 1)
    assert np.isfinite(found).all()
    assert 0 < found[0] <= 0.5


def test_a_constant_rate_is_the_optimizers_own():
    assert schedules.constant(0.3, 10) == schedules.Schedule(0.3, ())


def test_reduce_on_plateau_cuts_the_rate_after_patience_epochs_without_a_better_accuracy():
    schedule = schedules.reduce_on_plateau(1.0, 99, factor=0.5, patience=2, min_lr=0.3)
    assert schedule.learning_rate == 1.0
    (plateau,) = schedule.callbacks
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse", metrics=["accuracy"])
    plateau.set_model(model)
    plateau.on_train_begin()
    found = []
    # A falling loss does not count; an equal accuracy is not better.
    for epoch, accuracy in enumerate([0.5, 0.6, 0.6, 0.4, 0.6, 0.7, 0.7, 0.7, 0.7]):
        plateau.on_epoch_end(epoch, {"val_accuracy": accuracy, "val_loss": -epoch})
        found.append(float(model.optimizer.learning_rate))
    np.testing.assert_allclose(found, [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3], rtol=1e-6)
