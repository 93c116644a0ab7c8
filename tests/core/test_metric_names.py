from src.core import metric_names


def test_no_two_metrics_share_a_name():
    names = [value for key, value in vars(metric_names).items() if key.isupper()]
    assert len(set(names)) == len(names) > 15
