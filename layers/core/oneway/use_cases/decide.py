"""A decision on one request that changes nothing else."""

from collections.abc import Callable

from ..domain.requests import Request, Transition
from ..ports import Ledger, RequestChange, RequestRepository


def decide(
    requests: RequestRepository,
    ledger: Ledger,
    slug: str,
    request_id: str,
    decision: Callable[[Request], Transition | None],
) -> Request:
    """The request as it is after a decision; None changes nothing. To be settled, for somebody else may write first.

    Raises RequestNotFound, WriteConflict, StoreUnavailable, and what the decision refuses.
    """
    request = requests.get(slug, request_id)
    transition = decision(request)
    if transition is None:
        return request
    ledger.commit([RequestChange(transition)])
    return transition.after
