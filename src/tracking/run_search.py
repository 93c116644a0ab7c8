"""All that a search in MLflow finds; its client returns no more than a page at a time."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # MLflow takes a second, and a multirun's first lines do not need it
    from mlflow.entities import Run

PAGE = 1000  # runs that a store is asked for at once
OLDEST_FIRST = ("attributes.start_time ASC",)
NEWEST_FIRST = ("attributes.start_time DESC",)


def every_run(
    client: Any,
    experiment_ids: Sequence[str],
    wanted: str = "",
    order_by: Sequence[str] = OLDEST_FIRST,
    **more: Any,
) -> Iterator["Run"]:
    """Yield the runs that a search finds, however many there are.

    Args:
        client: of the store.
        experiment_ids: where to search; nowhere if there are none.
        wanted: MLflow's filter string.
        order_by: as `MlflowClient.search_runs` takes it.
        more: likewise, such as `run_view_type`.
    """
    if not experiment_ids:
        return iter(())
    return every(
        partial(
            client.search_runs,
            experiment_ids,
            wanted,
            max_results=PAGE,
            order_by=list(order_by),
            **more,
        )
    )


def every(ask: Callable[..., Any]) -> Iterator[Any]:
    """Yield what is on all pages.

    Args:
        ask: returns a page of MLflow's; called with its `page_token`, None for the first.
    """
    token = None
    while True:
        page = ask(page_token=token)
        yield from page
        token = page.token
        if not token:
            return
