"""Where the time of a training step goes, by kind of operation: TensorFlow's own profiler.

python -m benchmarks.step_profile
python -m benchmarks.step_profile --overrides experiment=notebook activation=relu

The kinds' milliseconds add up over threads, so that their sum may exceed the step's wall time: the
batches are made beside it. The last row is the time that the products of convolutions and dense
layers would take at the rate of this machine's best matrix product.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import activation_cost, harness, peak
from src.config import compose, schema
from src.core import errors, heavy_imports

# A word of the operation's type or of its name, and its kind; the first that fits counts.
KINDS = (
    ("BackpropFilter", "convolutions: gradient of the weights"),
    ("BackpropInput", "convolutions: gradient of the input"),
    ("Conv2D", "convolutions: forward"),
    ("FusedBatchNorm", "normalization"),
    ("MaxPool", "pooling"),
    ("adam", "optimizer"),
    ("MatMul", "dense layers"),
)
BATCHES = "batches, on threads of their own"
ACTIVATION = "activations, compiled"
OTHER = "all else"
STEP, LIMIT = "a step, wall time", "the products at the machine's peak"


def kind_of(thread: str, operation: str, name: str, compiled: bool) -> str:
    """Return the kind of an operation, by its thread, its type, its name in the graph, and whether
    XLA compiled it.
    """
    if thread.startswith("tf_data"):
        return BATCHES
    if compiled:
        return ACTIVATION
    for word, kind in KINDS:
        if word in operation or word in name.rpartition(":")[0]:
            return kind
    return OTHER


def operations(space: Any) -> Iterator[tuple[str, float]]:
    """Yield the kind and the milliseconds of every operation of a profile, an XSpace."""
    for plane in space.planes:
        if plane.name != "/host:CPU":
            continue
        for line in plane.lines:
            for event in line.events:
                about = plane.event_metadata[event.metadata_id]
                stats = {plane.stat_metadata[stat.metadata_id].name for stat in event.stats}
                compiled = "hlo_op" in stats
                # Of the rest, those with a type are operations; "Iterator::…" hold others.
                operation = about.display_name
                if compiled or (operation and not operation.startswith("Iterator")):
                    kind = kind_of(line.name, operation, about.name, compiled)
                    yield kind, event.duration_ps / 1e9


def profile(steps: Callable[[], float], count: int) -> Mapping[str, float]:
    """Return the milliseconds per step, by kind, of one measurement of `count` steps."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2)
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder, options)
        wall = steps()
        time.sleep(0.1)  # until batches in progress are complete
        tf.profiler.experimental.stop()
        [file] = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    sums: dict[str, float] = defaultdict(float)
    for kind, milliseconds in operations(space):
        sums[kind] += milliseconds / count
    return {STEP: wall, **sums}


def products(cfg: schema.Config, gigaflops: float) -> float:
    """Return the milliseconds that a step's products take at a rate in GFLOP/s."""
    from src.training import fit

    model = fit.build_model(cfg)
    return sum(peak.operations(model.layers)) * cfg.batch_size / 1e6 / gigaflops


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("step_profile", __doc__, rounds=5)
    parser.add_argument("--overrides", nargs="+", default=[], help="of the training")
    parser.add_argument("--steps", type=int, default=40, help="profiled in a row")
    given = parser.parse_args()

    conditions = harness.conditions("tensorflow", "keras")
    cfg = compose.compose(*given.overrides)  # mistakes, before anything is trained
    heavy_imports.load(mlflow=False)
    from src.training import fit, precision

    fit.prepare(cfg)
    drawn = activation_cost.batches_of(cfg)
    steps = activation_cost.training_steps(cfg, drawn, given.steps)
    steps()  # the first still allocate
    measured = harness.interleave(
        {
            "profile": partial(profile, steps, given.steps),
            "peak": peak.peak(peak.PRODUCTS[precision.choose(cfg.precision)]),
        },
        given.rounds,
        describe=lambda found: "done",
    )
    found = measured["profile"]
    whole = [one[STEP] for one in found]
    limits = [products(cfg, gigaflops) for gigaflops in measured["peak"]]
    kinds = sorted({*found[0]} - {STEP}, key=lambda kind: -found[0][kind])
    harness.show(
        f"Milliseconds of a training step by kind of operation: {' '.join(given.overrides)}",
        conditions,
        [
            harness.Row(STEP, whole),
            *(harness.Row(kind, [one.get(kind, 0.0) for one in found], whole) for kind in kinds),
            harness.Row(LIMIT, limits, whole),
        ],
    )


if __name__ == "__main__":
    errors.run(main)
