"""What a study compares: one factor of the configuration, at several levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

VARIANT = "variant"  # the key of a factor whose levels each set several keys

# Where a key's last word is not the noun, or the plural needs more than an s.
NOUNS = {
    "deterministic": ("determinism", "settings of determinism"),
    "dropout": ("dropout", "dropout rates"),
    "epochs": ("number of epochs", "numbers of epochs"),
    "filters": ("filters", "choices of filters"),
    "min_lr": ("lowest learning rate", "lowest learning rates"),
    "nesterov": ("Nesterov momentum", "settings of Nesterov momentum"),
    "restore_best_weights": ("choice of the weights", "choices of the weights"),
    "trainable": ("training of β", "settings of the training of β"),
    "units": ("units", "choices of units"),
    "warmup": ("warm-up", "lengths of the warm-up"),
}
SIGNS = {"beta": "β", "beta_1": "β₁", "beta_2": "β₂", "epsilon": "ε"}
WITHOUT_PLURAL = {*SIGNS, "label_smoothing", "momentum", "patience", "weight_decay", "zoom"}


@dataclass(frozen=True)
class Factor:
    """What differs between the runs that are compared, besides the seed."""

    key: str  # a group of conf/, a dotted key of the configuration, or `VARIANT`
    noun: str  # in prose: "activation", "learning rate", "variant"
    plural: str
    numeric: bool  # whether every level is a number


def of(key: str, levels: Sequence[object]) -> Factor:
    """Return the factor of a key whose values are `levels`."""
    last = key.rpartition(".")[2]
    words = SIGNS.get(last, last.replace("_", " "))
    plural = f"values of {words}" if last in WITHOUT_PLURAL else f"{words}s"
    noun, plural = NOUNS.get(last, (words, plural))
    numeric = all(isinstance(level, Real) and not isinstance(level, bool) for level in levels)
    return Factor(key, noun, plural, numeric and bool(levels))
