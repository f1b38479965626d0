"""A patient changes a request that waits: the changed one takes the place of the earlier one (product section 1)."""

from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct

from ..domain.errors import RequestAlreadyAnswered
from .cancel_request import CancelByPatient
from .submit_request import SubmitRequest, Submitted


class ReplaceRequest(Struct, frozen=True):
    """The earlier one is cancelled by its patient, then the other one submitted. Safe to repeat: whatever was done is found."""

    submit: SubmitRequest
    cancel: CancelByPatient

    def __call__(self, slug: str, key: object, form: Mapping[str, object], earlier: Submitted) -> Submitted:
        """Submit a form under its own key in place of a pending request. Nothing is cancelled for a form that cannot be sent.

        Raises what `SubmitRequest` raises.
        """
        self.submit.check(slug, form, besides=earlier.request)
        with suppress(RequestAlreadyAnswered):  # it ended meanwhile
            self.cancel(slug, earlier.link)
        return self.submit(slug, key, form)
