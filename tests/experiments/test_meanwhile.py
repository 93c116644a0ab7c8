import sys
import threading

from src.experiments.meanwhile import Preparation


def through_a_training(preparation, steps=3):
    for batch in range(steps):
        preparation.on_train_batch_end(batch)
    preparation.on_train_end()


def test_when_the_training_ends_the_logging_is_ready_made_once_in_a_thread_of_its_own():
    threads = []
    through_a_training(Preparation(lambda: threads.append(threading.current_thread())))
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()
    assert not threads[0].is_alive()


def test_what_draws_the_figures_is_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "src.evaluation.figures", raising=False)
    through_a_training(Preparation(lambda: None))
    assert "src.evaluation.figures" in sys.modules


def test_what_fails_is_left_to_whoever_needs_it(capfd):
    through_a_training(Preparation(lambda: 1 / 0))
    assert capfd.readouterr() == ("", "")


def test_a_training_that_was_finished_already_prepares_nothing():
    calls = []
    through_a_training(Preparation(lambda: calls.append(1)), steps=0)
    assert not calls
