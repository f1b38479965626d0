"""From a feed to its source: the kind of system, its address and credentials."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from ..domain.feeds import FeedState
from ..domain.practices import Source
from ..faults import SchemaDrift
from ..phones import to_e164
from ..ports import Capabilities, Clock, ScheduleSource
from . import fhir_profiles
from .fhir import FhirSource, Question
from .fhir_profiles import PROFILES
from .http import SourceHttp


class OpenSource:
    """Implements ports.SourceFactory. `credentials_of` gives a source's secret document: {"token": …} or {}."""

    def __init__(self, credentials_of: Callable[[str, str], str], clock: Clock, *, allow_loopback: bool) -> None:
        self._credentials_of = credentials_of
        self._clock = clock
        self._allow_loopback = allow_loopback
        self._learnt: dict[str, Question] = {}

    def __call__(self, state: FeedState) -> ScheduleSource:
        """The source of a feed. Raises SchemaDrift for a kind that does not exist."""
        settings = state.settings
        if settings.kind != "fhir":
            raise SchemaDrift(f"no such kind of source: {settings.kind}")
        secret = json.loads(self._credentials_of(settings.practice, settings.source_id))
        credentials = {"Authorization": f"Bearer {secret['token']}"} if "token" in secret else {}
        parts = urlsplit(settings.address)
        http = SourceHttp(
            f"{parts.scheme}://{parts.netloc}", self._clock, credentials, allow_loopback=self._allow_loopback
        )
        now: Callable[[], datetime] = self._clock.now
        read_phone = partial(to_e164, country=settings.country)
        profile, interval = PROFILES[settings.profile], settings.interval_minutes
        return FhirSource(http, settings.address, read_phone, now, profile, interval, self._learnt)


def capabilities_of(source: Source) -> Capabilities:
    """Implements ports.CapabilitiesOf. Raises SchemaDrift for a kind that does not exist."""
    if source.kind != "fhir":
        raise SchemaDrift(f"no such kind of source: {source.kind}")
    return fhir_profiles.capabilities_of(PROFILES[source.profile])
