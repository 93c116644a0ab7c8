"""Stage 3: train a model, or with -m one for every combination of listed values.

Reads:   params.yaml, conf/, data/processed
Writes:  model, figures and submission to outputs/ (with -m to multirun/), and a
         run to MLflow

Examples:
  python -m src.train activation=relu                      one run
  python -m src.train activation=swish,relu seed=1,2,3 -m  a sweep of six runs
  python -m src.train experiment=notebook epochs=1         a shortened recipe
"""

import os
import signal

import hydra
from omegaconf import DictConfig, OmegaConf

from src.config import compose, messages
from src.core import errors
from src.experiments.run_spec import INTERRUPTED
from src.experiments.sweep import Commands


def task(composed: DictConfig) -> float:
    """Train the run that was checked before Hydra made its folder; return its best validation
    accuracy.

    An error that the user can fix ends the process here: Hydra would print more than its sentence.
    """
    from src.experiments import train_run  # TensorFlow: after the checks

    assert Commands.spec is not None
    try:
        return train_run.run(Commands.spec, Commands.model)
    except (errors.InputError, OSError) as error:
        if errors.sentence(error) is None:
            raise
        errors.fail(error)


def main() -> None:
    """Let Hydra compose the configuration, and train a run or a sweep."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, so that the sentence can be ours
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: resumable, KILLED
    compose.register()
    OmegaConf.register_new_resolver("documentation", lambda: str(__doc__).strip(), replace=True)
    try:
        hydra.main(version_base="1.3", config_path="../conf", config_name="config")(task)()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(INTERRUPTED) from None
    except Exception as error:
        if messages.is_refusal(error):
            raise messages.explain(error) from error
        raise


if __name__ == "__main__":
    errors.run(main)
