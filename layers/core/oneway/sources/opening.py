"""From a feed to its source: the kind of system, its address and credentials."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

from ..domain.feeds import LOOK_BACK_EVERY, FeedSettings, FeedState, spoke_of
from ..domain.practices import Source
from ..faults import AuthRevoked, SchemaDrift
from ..phones import to_e164
from ..ports import Capabilities, Clock, ScheduleSource
from . import fhir_profiles
from .fhir import FhirSource, Learnt
from .fhir_profiles import PROFILES
from .http import A_TOKEN, Connections, SourceHttp, origin_of
from .pacing import Pace

if TYPE_CHECKING:
    from .smart import SmartSignIn

MOST_SIGN_INS = 500
"""Kept in a process; the one that was not used for longest goes first."""


class OpenSource:
    """Implements ports.SourceFactory. `credentials_of` gives a source's secret document: {"token": …}, {}, or what
    SmartCredentials has; sign-ins are kept by practice and source, for as long as document and address stay the same.
    """

    def __init__(self, credentials_of: Callable[[str, str], str], clock: Clock, *, allow_loopback: bool) -> None:
        self._credentials_of = credentials_of
        self._clock = clock
        self._allow_loopback = allow_loopback
        self._learnt: dict[str, Learnt] = {}
        self._sign_ins: dict[tuple[str, str], tuple[bytes, SmartSignIn]] = {}
        self._paces: dict[tuple[str, float], Pace] = {}
        self._connections: dict[str, Connections] = {}
        self._lock = Lock()

    def __call__(self, state: FeedState, deadline: datetime | None = None) -> ScheduleSource:
        """The source of a feed. Raises SchemaDrift for a kind that does not exist, AuthRevoked."""
        settings = state.settings
        if settings.kind != "fhir":
            raise SchemaDrift(f"no such kind of source: {settings.kind}")
        document = self._credentials_of(settings.practice, settings.source_id)
        try:
            secret = dict(json.loads(document))
            credentials = {"Authorization": f"Bearer {_token(secret['token'])}"} if "token" in secret else {}
        except (ValueError, TypeError):
            raise AuthRevoked("the credentials document cannot be read") from None
        bare = SourceHttp(origin_of(settings.address), self._clock, allow_loopback=self._allow_loopback)
        sign_in = self._sign_in(settings, document, bare) if "client_id" in secret else None
        if sign_in:
            sign_in.until(deadline)
        http = replace(
            bare,
            credentials=credentials,
            sign_in=sign_in,
            deadline=deadline,
            pace=self._pace(settings),
            connections=self._connections.setdefault(settings.lane, Connections()),
        )
        now: Callable[[], datetime] = self._clock.now
        read_phone = partial(to_e164, country=settings.country)
        profile = PROFILES[settings.profile]
        # How often everything is read.
        interval = LOOK_BACK_EVERY // timedelta(minutes=1) if profile.delta else settings.interval_minutes
        spoke = spoke_of(settings.practice, settings.feed_id, interval)
        return FhirSource(http, settings.address, read_phone, now, profile, interval, spoke, self._learnt)

    def leave(self, lane: str, until: datetime) -> None:
        """This worker's pulls of a lane are over: its connection is closed, and its budget waited out, for another worker may go
        on with it at once.
        """
        if connections := self._connections.pop(lane, None):
            connections.close()
        for (of, _), pace in list(self._paces.items()):
            if of == lane:
                pace.rest(until)

    def _pace(self, settings: FeedSettings) -> Pace:
        key = settings.lane, settings.requests_per_minute
        with self._lock:
            if key not in self._paces:
                self._paces[key] = Pace(settings.requests_per_minute, self._clock)
            return self._paces[key]

    def _sign_in(self, settings: FeedSettings, document: str, http: SourceHttp) -> "SmartSignIn":
        """The source's sign-in, with the token it may hold from an earlier pull."""
        from msgspec import MsgspecError
        from msgspec.json import decode

        from .smart import SmartCredentials, SmartSignIn

        key = settings.practice, settings.source_id
        digest = sha256(f"{settings.address} {document}".encode()).digest()
        with self._lock:
            known, sign_in = self._sign_ins.pop(key, (b"", None))
            if sign_in is None or known != digest:
                try:
                    credentials = decode(document, type=SmartCredentials)
                except MsgspecError:
                    raise AuthRevoked("the credentials document cannot be read") from None
                sign_in = SmartSignIn(credentials, settings.address, http)
            while len(self._sign_ins) >= MOST_SIGN_INS:
                del self._sign_ins[next(iter(self._sign_ins))]
            self._sign_ins[key] = digest, sign_in
            return sign_in


def capabilities_of(source: Source) -> Capabilities:
    """Implements ports.CapabilitiesOf. Raises SchemaDrift for a kind that does not exist."""
    if source.kind != "fhir":
        raise SchemaDrift(f"no such kind of source: {source.kind}")
    return fhir_profiles.capabilities_of(PROFILES[source.profile])


def _token(text: object) -> str:
    """A token as a header takes it. Raises ValueError."""
    token = text.strip() if isinstance(text, str) else ""
    if not A_TOKEN.fullmatch(token):
        raise ValueError
    return token
