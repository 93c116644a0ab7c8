import json

from benchmarks import training_step


def test_it_reports_the_rate_of_a_training_step(processed, words, capsys):
    words("--steps", "3", "model=mlp", "model.units=[8]", "batch_size=300")

    training_step.main()

    *_, second_epoch, last = capsys.readouterr().out.splitlines()
    rate = json.loads(last)["images_per_second"]
    assert f"{rate:,.0f} images/s" in second_epoch
