"""A patient looks at a request through its private link."""

from msgspec import Struct

from ..domain.errors import LinkNotFound, RequestNotFound
from ..domain.matching import place_of
from ..domain.practices import Location, Practice, Provider, VisitType
from ..domain.requests import Request
from ..links import PrivateLinks
from ..ports import PracticeRepository, RequestRepository


class LookedUp(Struct, frozen=True):
    """A request and what its page names; `provider` and `location` are those of the visit as it now is."""

    request: Request
    practice: Practice
    provider: Provider
    location: Location
    visit_type: VisitType


def looked_up(practice: Practice, request: Request) -> LookedUp:
    """A request with what a page or a message names beside it."""
    named = request.link.provider_id if request.link else request.provider_id
    provider = practice.provider_named(named, request.location_id)
    return LookedUp(
        request, practice, provider, place_of(request, practice), practice.visit_type(request.visit_type_id)
    )


class LookUpRequest(Struct, frozen=True):
    """Changes nothing, however often it is called."""

    practices: PracticeRepository
    requests: RequestRepository
    links: PrivateLinks

    def __call__(self, slug: str, link: str) -> LookedUp:
        """The request that a private link names. Raises PracticeNotFound, LinkNotFound."""
        practice = self.practices.get(slug)
        try:
            request = self.requests.get(slug, self.links.request_id(link))
        except RequestNotFound:
            raise LinkNotFound from None
        self.links.check(link, request)
        return looked_up(practice, request)
