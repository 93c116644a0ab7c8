"""Simulated runs: their predictions and histories, the same for the same seed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from src.analysis import diagnostics, ensemble, verdicts
from src.analysis.findings import Pair
from src.analysis.run_set import NAMES, RunSet, Training
from src.analysis.statistics import Comparison, CrossedEstimate, Estimate
from src.analysis.verdicts import Verdict
from src.config import factor
from src.core import metric_names
from src.experiments.trials import State, Trial
from src.reporting.activation_exhibits import Cost, Curve

LAYERS = {
    "relu": {"_target_": "keras.layers.Activation", "activation": "relu"},
    "gelu": {"_target_": "keras.layers.Activation", "activation": "gelu"},
    "hard_swish": {"_target_": "keras.layers.Activation", "activation": "hard_swish"},
    "swish": {"_target_": "src.training.activations.Swish"},
    "swish_beta": {
        "_target_": "src.training.activations.SwishBeta",
        "beta": "1.0",
        "trainable": "True",
    },
}
ORDER = tuple(LAYERS)
SHIFTS = {"relu": 0.0, "gelu": -0.5, "hard_swish": -0.1, "swish": -0.8, "swish_beta": -0.75}
SECONDS = {"relu": 10.0, "gelu": 12.0, "hard_swish": 10.4, "swish": 10.5, "swish_beta": 11.0}
DIGEST = "0f" * 32
COUNTS = {"train": 540, "valid": 60, "test": 200}
COMMIT = "ab" * 20
PARAMS = {
    "epochs": "6",
    "restore_best_weights": "True",
    "precision": "float32",
    "model._target_": "src.training.models.compact",
}
TAGS = {
    "model": "compact",
    "experiment": "default",
    "data_digest": DIGEST,
    "training_digest": "12" * 32,
    "git_commit": COMMIT,
    "git_dirty": "false",
    "command": "python -m src.train -m activation=relu,swish seed=1,2,3",
    "cpus": "2",
    "python": "3.11.7",
    "tensorflow": "2.21.0",
    "keras": "3.15.1",
}
# Where chance comes from in a simulated study, by the standard deviations of a probit model.
NOISE = {"images": 0.0, "seeds": 0.0}  # of each run alone
IMAGES = {"images": 1.0, "seeds": 0.0}  # some images suit one activation
SEEDS = {"images": 0.0, "seeds": 0.6}  # some seeds are lucky
BOTH = {"images": 0.5, "seeds": 0.15}
FIGURES = (  # of a report that has something for each
    *("accuracy", "differences", "power", "epoch_time", "activation_cost", "learning_curves"),
    *("calibration", "error_overlap", "uniquely_misclassified", "betas", "shapes"),
)


@dataclass(frozen=True, kw_only=True)
class Simulated(Training):
    """A training with the output that its reliability and the ensembles follow from."""

    probabilities: np.ndarray  # float32 (images, 10); rows sum to 1


def training(activation: str, seed: int, *, images: int = 1000, epochs: int = 6) -> Simulated:
    """Return one training of an activation, given by its word."""
    place = ORDER.index(activation)
    random = np.random.default_rng([place, seed])
    answers = predictions(random, images, SHIFTS[activation])
    layer = {f"activation.{key}": value for key, value in LAYERS[activation].items()}
    rows = history(random, activation, epochs)
    return _training(place, activation, seed, answers, rows, layer, {"activation": activation})


def _training(
    place: int, label: str, seed: int, answers: Any, rows: pd.DataFrame, params: Any, tags: Any
) -> Simulated:
    """Return a training from its true labels and probabilities, and its history."""
    began = datetime(2026, 1, 2, tzinfo=UTC) + timedelta(minutes=seed)
    return Simulated(
        run_id=f"{place:02}{seed:02}" * 8,
        name=f"{label}-seed{seed}",
        seed=seed,
        started=began,
        ended=began + timedelta(minutes=1),
        params={**PARAMS, "epochs": str(len(rows)), "seed": str(seed), **params},
        tags={**TAGS, **tags},
        history=rows,
        labels=answers[0],
        predicted=answers[1].argmax(axis=1).astype(np.uint8),
        reliability=diagnostics.reliability(answers[1], answers[0]),
        probabilities=answers[1],
    )


def comparable(
    activations: Sequence[str] = ORDER,
    seeds: Sequence[int] = (1, 2, 3, 4),
    **more: object,
) -> RunSet:
    """Return trainings of several activations; `more` goes to `training`."""
    trainings = {
        NAMES[word]: tuple(training(word, seed, **more) for seed in seeds) for word in activations
    }
    return RunSet(
        parent_id="cd" * 16,
        title="five",
        folder="five",
        tags={"study": "five", "command": "python -m src.study five"},
        factor=factor.of("activation", activations),
        trainings=trainings,
        remarks=(),
        values={NAMES[word]: word for word in activations},
        dataset="mnist-kaggle",
        ensembles=ensembles(trainings),
    )


def levels_of(
    key: str,
    shifts: Mapping[str, float],
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    *,
    images: int = 1000,
    epochs: int = 6,
    tags: Mapping[str, Mapping[str, str]] | None = None,
    **more: object,
) -> RunSet:
    """Return trainings of several levels of any factor. A lower shift is a higher accuracy; `tags`
    are those of the runs of each level, beside `TAGS`; `more` goes to `RunSet`.
    """
    trainings = {}
    for place, (label, shift) in enumerate(shifts.items()):
        ones = []
        for seed in seeds:
            random = np.random.default_rng([place, seed, 7])
            answers = predictions(random, images, shift)
            rows = history(random, "relu", epochs, 1 + shift / 4, 1 + place / 9)
            own = (tags or {}).get(label, {})
            ones.append(_training(place, label, seed, answers, rows, {key: label}, own))
        trainings[label] = tuple(ones)
    numbers = [float(label) if label.replace(".", "").isdigit() else label for label in shifts]
    name = key.rpartition(".")[2]
    parent_tags = {"study": name, "command": "python -m src.study levels"}
    of, values = factor.of(key, numbers), {label: label for label in shifts}
    made = RunSet("ef" * 16, name, name, parent_tags, of, trainings, (), values)
    return replace(made, **{"dataset": "mnist-kaggle", "ensembles": ensembles(trainings), **more})


def ensembles(trainings: Mapping[str, Sequence[Simulated]]) -> dict[str, ensemble.EnsembleCurve]:
    """Return the accuracies of each level's runs as ensembles."""
    return {
        name: ensemble.curve(np.stack([one.probabilities for one in ones]), ones[0].labels)
        for name, ones in trainings.items()
    }


def predictions(
    random: np.random.Generator, images: int, shift: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return true digits, the same for all trainings, and class probabilities (images, 10)."""
    common = np.random.default_rng(images)
    labels = common.integers(10, size=images)
    difficulty = common.normal(-3.2, 1.3, images) + common.normal(0, 0.5, images) * shift
    wrong = random.random(images) < ndtr(difficulty + shift * 0.4 + random.normal(0, 0.05))
    taken = np.where(wrong, (labels + random.integers(1, 10, images)) % 10, labels)
    confidence = np.where(wrong, random.uniform(0.3, 0.9, images), random.beta(30, 2.5, images))
    rows = np.repeat((1 - confidence)[:, None] / 9, 10, axis=1)
    rows[np.arange(images), taken] = confidence
    return labels.astype(np.uint8), rows.astype(np.float32)


def history(
    random: np.random.Generator, activation: str, epochs: int, badness: float = 1, slow: float = 1
) -> pd.DataFrame:
    """Return a row of metrics for each epoch; the first one takes longer."""
    number = np.arange(1, epochs + 1)
    error = badness * (0.03 * 0.7**number * np.exp(random.normal(0, 0.08, epochs)) + 0.004)
    noise = random.normal(0, 0.01, epochs) + random.normal(0, 0.01)
    seconds = slow * SECONDS[activation] * np.exp(noise)
    seconds[0] += 5
    table = pd.DataFrame(
        {
            metric_names.EPOCH: number,
            metric_names.LOSS: 10 * error,
            metric_names.ACCURACY: 1 - 1.5 * error,
            metric_names.VAL_LOSS: 8 * error,
            metric_names.VAL_ACCURACY: 1 - error - 0.002 * SHIFTS[activation],
            metric_names.EPOCH_SECONDS: seconds,
        }
    )
    if activation == "swish_beta":
        for layer, end in enumerate((1.6, 1.3, 1.1, 0.9, 0.8, 0.5)):
            name = metric_names.BETA + activation + (f"_{layer}" if layer else "")
            drift = (end - 1 + random.normal(0, 0.04)) * (1 - 0.8**number)
            table[name] = 1 + drift
    return table


def simulate(
    random: np.random.Generator,
    seeds: int,
    kind: Mapping[str, float],
    shifts: Sequence[float],
    images: int = 4000,
    hard: int = 150,
) -> tuple[list[np.ndarray], list[float]]:
    """Return which images are right, bool (seeds, images), and the true accuracy, by activation.

    Nearly all images are right, as in MNIST. An error on a hard image has the probability
    Φ(difficulty + shift + image's effect + seed's effect).
    """
    count = random.poisson(hard)
    difficulty = random.normal(-0.5, 1, count)
    studies, accuracies = [], []
    for shift in shifts:
        of_images = random.normal(0, kind["images"], count)
        of_seeds = random.normal(0, kind["seeds"], (seeds, 1))
        correct = np.ones((seeds, images), bool)
        errors = ndtr(difficulty + shift + of_images + of_seeds)
        correct[:, :count] = random.random((seeds, count)) >= errors
        studies.append(correct)
        scale = np.sqrt(2 + kind["images"] ** 2 + kind["seeds"] ** 2)
        accuracies.append(1 - hard / images * ndtr((shift - 0.5) / scale))
    return studies, accuracies


def trials(best: float) -> list[Trial]:
    """Return six trials of a search, of which the third attains the most."""
    values = [0.95, 0.96, best, 0.97, None, 0.9]
    rates = [0.001, 0.003, 0.01, 0.03, 0.02, 0.002]
    words = ["one_cycle", "constant", "one_cycle", *["constant"] * 3]
    drawn = [
        {"optimizer.learning_rate": rate, "schedule": word}
        for rate, word in zip(rates, words, strict=True)
    ]
    states = [State.COMPLETE] * 4 + [State.FAILED, State.PRUNED]
    return list(map(Trial, range(6), drawn, states, values))


def costs(activations: Sequence[str]) -> dict[str, Cost]:
    """Return costs in three rounds: the first of 3 ns forward and back, the second of 6, ..."""
    rounds = np.array([1.2, 1.0, 0.9])
    return {
        name: Cost(number * rounds, 2 * number * rounds)
        for number, name in enumerate(activations, 1)
    }


def curve(steepness: float) -> Curve:
    """Return x · sigmoid(steepness · x) from -5 to 5."""
    x = np.linspace(-5, 5, 101)
    sigmoid = 1 / (1 + np.exp(-steepness * x))
    return Curve(x, x * sigmoid, sigmoid * (1 + steepness * x * (1 - sigmoid)))


def comparison(
    first: str, second: str, difference: CrossedEstimate, p_adjusted: float, pairs: int = 3
) -> Comparison:
    """Return a comparison of two activations whose other tests find nothing."""
    others = 4 * [0.5]
    difference = replace(difference, p_value=p_adjusted)
    sizes = {"pairs": pairs, "seeds": 10, "images": 28_000}
    return Comparison(first, second, difference, 1.0, *others, **sizes)


def pair(
    first: str = "Swish",
    second: str = "ReLU",
    *,
    pp: float = 0.02,
    half: float = 0.03,
    p: float = 0.5,
    p_equivalence: float = 1.0,
    pairs: int = 3,
    smallest_effect: float = 0.0002,
    image_se: float = 0.0,
    **more: object,
) -> Pair:
    """Return a pair that differs by `pp` ± `half` percentage points; `more` replaces fields."""
    low, high = (pp - half) / 100, (pp + half) / 100
    difference = CrossedEstimate(pp / 100, low, high, p, 0.0003, image_se)
    compared = replace(
        comparison(first, second, difference, p, pairs),
        p_equivalence=p_equivalence,
        smallest_effect=smallest_effect,
    )
    verdict, superiority = verdicts.verdict(compared), Estimate(0.7, 0.5, 0.9)
    more_seeds = (12, 27) if verdict is Verdict.UNDECIDED else None
    made = Pair(compared, np.full(4, pp / 100), 6e-4, 20, verdict, more_seeds, None, superiority)
    return replace(made, **more)


def with_trainings(runs: RunSet, changes: Callable[[Training, str], dict[str, Any]]) -> RunSet:
    """Return runs with changes to each training, given it and its level's name."""
    trainings = {
        name: tuple(replace(one, **changes(one, name)) for one in ones)
        for name, ones in runs.trainings.items()
    }
    return replace(runs, trainings=trainings)
