"""A run that is ready to train, as plain data: it travels to a worker process or a node."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast

from omegaconf import OmegaConf

from src.config import compose, study_file
from src.config.compose import Composition
from src.config.schema import CHOICES, LUCK, Config
from src.core import checkpoint_place
from src.data.dataset import Dataset
from src.experiments.run_name import run_name
from src.tracking import environment, fingerprint, run_tags
from src.training import precision

INTERRUPTED = "Interrupted: the same command resumes after the last finished epoch."


class EarlyStop(Protocol):
    """Decides after each epoch whether a training ends there, in the process that trains."""

    def __call__(self, run_id: str | None, accuracies: Mapping[int, float]) -> bool:
        """Return whether to stop, by the validation accuracies of all epochs so far."""


@dataclass(frozen=True)
class RunSpec:
    """All that a run needs beside data and code."""

    cfg: Config  # checked, with the precision that it comes to on this machine
    choices: Mapping[str, str]  # the chosen file of each group
    settings: Mapping[str, Any]  # the part of `cfg` that decides the weights, in JSON values
    digest: str  # of the training (src/tracking/fingerprint.py)
    data_digest: str  # of the data that the run was composed for
    name: str  # in MLflow
    job: str  # the overrides that it shares with runs that differ in the seed alone
    command: str  # the command line that the user typed
    folder: Path = Path()  # for its files, relative to the project's root
    level: str | None = None  # the label of its level, in a sweep or a study
    tags: Mapping[str, str] = field(default_factory=dict)  # beside those that every run has
    early_stop: EarlyStop | None = None
    alone: bool = False  # it is all that the user asked for, so that next steps are printed

    def child_of(self, parent_run_id: str) -> "RunSpec":
        """Return the same run as a child of a run in MLflow."""
        cfg = copy(self.cfg)
        cfg.mlflow = copy(cfg.mlflow)
        cfg.mlflow.parent_run_id = parent_run_id
        return replace(self, cfg=cfg)

    def with_seed(self, seed: int, data: Dataset, vary: Sequence[str] = ()) -> "RunSpec":
        """Return the same run with another seed, which also draws the data that a study varies. Of
        one level's thousand seeds the configuration is then composed once.
        """
        cfg, draws = copy(self.cfg), study_file.draws(vary, seed)
        cfg.seed = seed
        cfg.split_seed, cfg.data_seed = draws.get("split_seed"), draws.get("data_seed")
        recipe = {key: value for key, value in self.settings.items() if key not in LUCK}
        settings = {**recipe, "seed": seed, **draws}
        data = drawn(data, cfg)
        name = f"{self.level}-seed{seed}" if self.level else self.name
        digest = fingerprint.digest(settings, data)
        return replace(
            self, cfg=cfg, settings=settings, digest=digest, data_digest=data.digest, name=name
        )


def build(
    composition: Composition,
    data: Dataset,
    words: Sequence[str],
    *,
    name: str | None = None,
    named_by: Sequence[str] = ("activation",),
    trial: str | None = None,
    **more: Any,
) -> RunSpec:
    """Return the run of a configuration, which is checked and resolved here once.

    Args:
        composition: as Hydra composed it, from the overrides `words`.
        data: that it trains on, before `split_seed` or `data_seed`.
        words: see `composition`.
        name: in MLflow; None for one from its choices and values.
        named_by: keys whose values are in such a name even where they are the defaults.
        trial: identifies a search's trial. Its training may stop early, so its digest is never
            that of a run with the same settings.
        more: other attributes of `RunSpec`.
    """
    composed = composition.composed
    choices = {group: composition.choices[group] for group in CHOICES}
    cfg = compose.resolve(composed, choices)
    settings = fingerprint.settings(composed)
    cfg.precision = settings["precision"]
    data = drawn(data, cfg)
    identity = settings if trial is None else {**settings, "trial": trial}
    if name is None:
        values = cast(dict[str, Any], OmegaConf.to_container(composed, resolve=True))
        name = run_name(values, choices, named_by)
    return RunSpec(
        cfg=cfg,
        choices=choices,
        settings=settings,
        digest=fingerprint.digest(identity, data),
        data_digest=data.digest,
        name=name,
        job=" ".join(word for word in words if not word.startswith(("seed=", "mlflow."))),
        command=environment.command_line(),
        **more,
    )


def drawn(data: Dataset, cfg: Any) -> Dataset:
    """Return the data that a configuration trains on, given what preprocess wrote."""
    return data.split_anew(cfg.split_seed).draw_anew(cfg.data_seed)


def announce(spec: RunSpec, data: Dataset) -> None:
    """Print what is about to be trained, before the seconds that importing TensorFlow takes."""
    images = f"{data.counts['train']:,} images of {data.name}"
    epochs = "epochs" if spec.cfg.epochs > 1 else "epoch"
    facts = (spec.name, spec.choices["model"], images, f"{spec.cfg.epochs} {epochs}")
    print(" · ".join(facts), flush=True)
    if spec.cfg.precision == precision.BFLOAT16 and not precision.has_bfloat16():
        print("Note: bfloat16 is emulated on this hardware; precision=float32 is faster.")


def forget_checkpoint(spec: RunSpec, run_id: str) -> None:
    """Delete the checkpoint that a finished run left because its process was killed at the very
    end.
    """
    folder = checkpoint_place.of(spec.digest, spec.cfg.checkpoints)
    if folder.exists():
        from src.training import checkpoint  # Keras: hardly ever needed

        checkpoint.forget(folder, run_id)


def tags_of(spec: RunSpec) -> dict[str, str]:
    """Return the tags by which one finds a run in MLflow."""
    return {
        **environment.tags(spec.command, spec.choices),
        **spec.choices,
        "data_digest": spec.data_digest,
        run_tags.TRAINING_DIGEST: spec.digest,
        run_tags.JOB: spec.job,
        **spec.tags,
    }
