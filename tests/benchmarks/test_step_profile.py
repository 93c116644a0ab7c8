from tensorflow.tsl.profiler.protobuf import xplane_pb2

from benchmarks import step_profile

GRADIENT = "_MklNativeConv2DBackpropFilter"
EVENTS = [  # thread, name, operation, milliseconds, whether compiled by XLA; its kind
    ("tf_data_private", "GatherV2:GatherV2", "GatherV2", 1, False, step_profile.BATCHES),
    ("tf_data_private", "round_fusion", "", 2, True, step_profile.BATCHES),
    ("tf_Compute", "multiply_fusion", "", 3, True, step_profile.ACTIVATION),
    ("tf_Compute", f"conv2d:{GRADIENT}", GRADIENT, 4, False, step_profile.KINDS[0][1]),
    ("tf_Compute", "StatefulPartitionedCall/adam_w/mul_9:Mul", "Mul", 5, False, "optimizer"),
    ("tf_Compute", "compact/scores/Softmax:Softmax", "Softmax", 6, False, step_profile.OTHER),
    # Neither their caller nor what waits for them counts.
    ("tf_Compute", "ExecutorState::Process", "", 7, False, None),
    ("tf_Compute", "Iterator::Root::Prefetch", "Iterator::Prefetch", 8, False, None),
]


def test_the_operations_of_a_profile_are_added_up_by_their_kinds():
    space = xplane_pb2.XSpace()
    plane = space.planes.add(name="/host:CPU")
    plane.stat_metadata[1].name = "hlo_op"
    for number, (thread, name, operation, milliseconds, compiled, _) in enumerate(EVENTS):
        plane.event_metadata[number].name = name
        plane.event_metadata[number].display_name = operation
        line = plane.lines.add(name=thread)
        event = line.events.add(metadata_id=number, duration_ps=10**9 * milliseconds)
        if compiled:
            event.stats.add(metadata_id=1, str_value=name)
    expected = [(kind, milliseconds) for *_, milliseconds, _, kind in EVENTS if kind]
    assert list(step_profile.operations(space)) == expected
