import pytest
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from benchmarks import step_profile
from src.training import fit
from tests.support.recipes import configure


@pytest.mark.parametrize(
    ("thread", "operation", "name", "compiled", "kind"),
    [
        ("tf_data_private", "GatherV2", "GatherV2:GatherV2", False, step_profile.BATCHES),
        ("tf_data_private", "", "round_fusion", True, step_profile.BATCHES),
        ("tf_Compute", "", "multiply_fusion", True, step_profile.ACTIVATION),
        (
            "tf_Compute",
            "_MklNativeConv2DBackpropFilter",
            "gradient_tape/conv2d/Conv2DBackpropFilter:_MklNativeConv2DBackpropFilter",
            False,
            "convolutions: gradient of the weights",
        ),
        ("tf_Compute", "Mul", "StatefulPartitionedCall/adam_w/mul_9:Mul", False, "optimizer"),
        ("tf_Compute", "_MklMatMul", "compact/dense/MatMul:_MklMatMul", False, "dense layers"),
        ("tf_Compute", "Softmax", "compact/scores/Softmax:Softmax", False, step_profile.OTHER),
    ],
)
def test_an_operation_is_of_the_kind_that_its_type_and_name_tell(
    thread, operation, name, compiled, kind
):
    assert step_profile.kind_of(thread, operation, name, compiled) == kind


def profiled(*events):
    """An XSpace with an event per (name, operation, picoseconds, whether XLA's)."""
    space = xplane_pb2.XSpace()
    plane = space.planes.add(name="/host:CPU")
    plane.stat_metadata[1].name = "hlo_op"
    line = plane.lines.add(name="tf_Compute")
    for number, (name, operation, duration, compiled) in enumerate(events):
        plane.event_metadata[number].name = name
        plane.event_metadata[number].display_name = operation
        event = line.events.add(metadata_id=number, duration_ps=duration)
        if compiled:
            event.stats.add(metadata_id=1, str_value=name)
    return space


def test_only_operations_count_and_neither_what_calls_them_nor_what_waits_for_them():
    space = profiled(
        ("conv:Conv2D", "Conv2D", 2_000_000_000, False),
        ("ExecutorState::Process", "", 9_000_000_000, False),
        ("Iterator::Root::Prefetch", "Iterator::Prefetch", 9_000_000_000, False),
        ("multiply_fusion", "", 500_000_000, True),
    )
    assert list(step_profile.operations(space)) == [
        ("convolutions: forward", 2.0),
        (step_profile.ACTIVATION, 0.5),
    ]


def test_the_products_take_their_operations_over_the_rate(project):
    cfg = configure("batch_size=100")
    fit.prepare(cfg)
    once = step_profile.products(cfg, gigaflops=1.0)
    assert once == pytest.approx(1600, rel=0.1)  # 16 MFLOP an image
    assert step_profile.products(cfg, gigaflops=4.0) == pytest.approx(once / 4)
