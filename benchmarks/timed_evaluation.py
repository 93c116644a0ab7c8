"""`python -m src.train` that also says how long it evaluated.

python -m benchmarks.timed_evaluation epochs=1

Its last line is a JSON object with the seconds.
"""

import json
import runpy
import time

from src.runtime import heavy_imports

EVALUATION_SECONDS = "evaluation_seconds"


def install(spans: list[float]) -> None:
    """Let Keras append to `spans` the seconds of each validation, and of each prediction of a data
    set.

    A validation begins where the training's clock stops (src/training/callbacks.py).
    """
    import keras
    import tensorflow as tf

    fit, predict = keras.Model.fit, keras.Model.predict

    class Clock(keras.callbacks.Callback):
        """Times the validations of a fit."""

        def on_test_begin(self, logs: dict | None = None) -> None:
            """Start."""
            self.began = time.perf_counter()

        def on_test_end(self, logs: dict | None = None) -> None:
            """Stop."""
            spans.append(time.perf_counter() - self.began)

    def timed_fit(model, *arguments, callbacks, **more):
        return fit(model, *arguments, callbacks=[*callbacks, Clock()], **more)

    def timed_predict(model, x, **more):
        began = time.perf_counter()
        output = predict(model, x, **more)
        if isinstance(x, tf.data.Dataset):  # MLflow predicts an array, its example: that is logging
            spans.append(time.perf_counter() - began)
        return output

    keras.Model.fit, keras.Model.predict = timed_fit, timed_predict


def main() -> None:
    """Run src.train as `python -m` does, with the clock set as soon as Keras is there."""
    spans: list[float] = []
    load = heavy_imports.load

    def load_and_install() -> None:
        load()
        install(spans)

    heavy_imports.load = load_and_install
    runpy.run_module("src.train", run_name="__main__", alter_sys=True)
    print(json.dumps({EVALUATION_SECONDS: sum(spans)}))


if __name__ == "__main__":
    main()
