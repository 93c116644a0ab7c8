"""Configurations for the tests, composed as `python -m src.train <overrides>` composes them."""

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import open_dict

from src import config

# Small enough for a training of a second, whatever else is chosen.
TINY = ("model=mlp", "model.units=[8]", "epochs=2", "batch_size=64")


def compose(*overrides: str) -> config.Config:
    """Return the checked configuration that the params.yaml of the working directory gives, but
    in float32 unless told otherwise: `auto` depends on the machine.
    """
    config.register()
    words = ["precision=float32", *overrides]
    try:
        with initialize_config_dir(str(config.CONF), version_base="1.3"):
            composed = hydra_compose("config", words, return_hydra_config=True)
    except Exception as error:
        if not config.is_refusal(error):
            raise
        raise config.explain(error) from error
    choices = composed.hydra.runtime.choices
    with open_dict(composed):
        del composed["hydra"]
    return config.resolve(composed, choices)


def names(group: str) -> list[str]:
    """Return what can be chosen in a group: the files of conf/<group>/, without .yaml."""
    return sorted(path.stem for path in (config.CONF / group).glob("*.yaml"))
