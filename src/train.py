"""Train a model: the third stage, and the command that tries an activation by one word.

python -m src.train activation=relu
python -m src.train activation=swish,relu seed=1,2,3 -m
python -m src.train experiment=notebook epochs=1
"""

import os
import signal

import hydra
from omegaconf import DictConfig

from src.config import compose, messages
from src.experiments.run_spec import INTERRUPTED
from src.experiments.sweep import Commands
from src.runtime import errors


def task(composed: DictConfig) -> float:
    """Train the run that was checked before Hydra made its folder; return its best validation
    accuracy.

    An error that the user can fix ends the process here: Hydra would print more than its sentence.
    """
    from src.experiments import train_run  # TensorFlow: after the checks

    assert Commands.spec is not None
    try:
        return train_run.run(Commands.spec)
    except (errors.InputError, OSError) as error:
        if errors.sentence(error) is None:
            raise
        errors.fail(error)


def main() -> None:
    """Let Hydra compose the configuration, and train a run or a sweep."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, so that the sentence can be ours
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: resumable, KILLED
    compose.register()
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
