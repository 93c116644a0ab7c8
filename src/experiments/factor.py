"""What a study compares: one factor of the configuration, at several levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

VARIANT = "variant"  # the key of a study whose levels each set several keys

# Where a key's last word is not the noun, or its plural is not made by an s.
NOUNS = {
    "beta": ("β", "values of β"),
    "beta_1": ("β₁", "values of β₁"),
    "beta_2": ("β₂", "values of β₂"),
    "border": ("border", "borders"),
    "deterministic": ("determinism", "settings of determinism"),
    "displacement": ("displacement", "displacements"),
    "dropout": ("dropout", "dropout rates"),
    "epochs": ("number of epochs", "numbers of epochs"),
    "epsilon": ("ε", "values of ε"),
    "filters": ("filters", "choices of filters"),
    "label_smoothing": ("label smoothing", "values of label smoothing"),
    "min_lr": ("lowest learning rate", "lowest learning rates"),
    "momentum": ("momentum", "values of momentum"),
    "nesterov": ("Nesterov momentum", "settings of Nesterov momentum"),
    "patience": ("patience", "values of patience"),
    "restore_best_weights": ("choice of the weights", "choices of the weights"),
    "trainable": ("training of β", "settings of the training of β"),
    "units": ("units", "choices of units"),
    "warmup": ("warm-up", "lengths of the warm-up"),
    "weight_decay": ("weight decay", "values of weight decay"),
    "zoom": ("zoom", "values of zoom"),
}


@dataclass(frozen=True)
class Factor:
    """What differs between the runs that are compared, besides the seed.

    Attributes:
        key: a group of conf/ ("activation"), a key of the configuration
            ("optimizer.learning_rate"), or "variant", where several keys differ together.
        noun: the factor in prose: "activation", "learning rate", "variant".
        plural: of the noun: "activations", "learning rates", "variants".
        numeric: whether every level is a number.
    """

    key: str
    noun: str
    plural: str
    numeric: bool


def of(key: str, levels: Sequence[object]) -> Factor:
    """Return the factor of a key.

    Args:
        key: of the configuration, dotted; or "variant".
        levels: the values that it has, as numbers where they are numbers.
    """
    last = key.rpartition(".")[2]
    words = last.replace("_", " ")
    noun, plural = NOUNS.get(last, (words, f"{words}s"))
    numeric = all(isinstance(level, Real) and not isinstance(level, bool) for level in levels)
    return Factor(key, noun, plural, numeric and bool(levels))
