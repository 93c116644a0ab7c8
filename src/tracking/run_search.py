"""Complete results of MLflow's searches, which come in pages."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # MLflow takes a second, and a multirun's first lines do not need it
    from mlflow.entities import Run

PAGE = 1000  # runs per request
OLDEST_FIRST = ("attributes.start_time ASC",)
NEWEST_FIRST = ("attributes.start_time DESC",)


def every_run(
    client: Any,
    experiment_ids: Sequence[str],
    wanted: str = "",
    order_by: Sequence[str] = OLDEST_FIRST,
    **more: Any,
) -> Iterator["Run"]:
    """Yield all runs that `client.search_runs` finds; `wanted` is MLflow's filter string."""
    given = {"max_results": PAGE, "order_by": list(order_by), **more}
    search = partial(client.search_runs, experiment_ids, wanted, **given)
    return every(search) if experiment_ids else iter(())


def every(ask: Callable[..., Any]) -> Iterator[Any]:
    """Yield the items of all pages; `ask` returns the one of a `page_token`, None for the first."""
    page = ask(page_token=None)
    yield from page
    while page.token:
        page = ask(page_token=page.token)
        yield from page
