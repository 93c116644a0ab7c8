from mlflow import MlflowClient

from src.tracking import run_search


def test_a_search_goes_on_to_the_last_page(tmp_path, monkeypatch):
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.create_experiment("many")
    for number in range(1, 6):
        client.create_run(experiment, start_time=number, tags={"odd": str(number % 2)})
    monkeypatch.setattr(run_search, "PAGE", 2)

    def times(*words, **more):
        return [one.info.start_time for one in run_search.every_run(client, *words, **more)]

    assert times([experiment]) == [1, 2, 3, 4, 5]
    assert times([experiment], "tags.odd = '1'", run_search.NEWEST_FIRST) == [5, 3, 1]
    assert times([]) == []
