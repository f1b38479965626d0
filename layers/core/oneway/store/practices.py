"""Practices with their providers, sources and staff: one partition, one query."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace
from pynamodb.expressions.condition import Condition

from ..domain.availability import Calendar
from ..domain.errors import PracticeNotFound, StoreRefused, StoreUnavailable, WriteConflict
from ..domain.occupancy import LongBlocks
from ..domain.practice_events import PracticeEvent
from ..domain.practices import Practice, Provider, Source, StaffMember
from ..ports import Clock
from . import keys
from .items import TableItem, answered, decoded, get, item, query, save_all_if, save_if
from .practice_events import event_item

_KEPT = timedelta(seconds=30)
_KEPT_WITHOUT_A_TABLE = timedelta(hours=1)
"""So long what was read stands while the table gives no answer: pages keep the practice's phone number, and what was typed."""


class DynamoPracticeRepository:
    """Implements ports.PracticeRepository; what was read is kept for 30 s."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[datetime, Practice]] = {}
        self._logos: dict[str, tuple[datetime, tuple[str, bytes] | None]] = {}

    def get(self, slug: str) -> Practice:
        """A practice, at most 30 s old; an hour, while the table gives no answer. Raises PracticeNotFound."""
        now = self._clock.now()
        kept = self._seen.get(slug)
        if kept and now - kept[0] <= _KEPT:
            return kept[1]
        try:
            found = _practice(query(keys.practice_partition(slug)))
        except StoreUnavailable as error:
            if kept is None or now - kept[0] > _KEPT_WITHOUT_A_TABLE or isinstance(error, StoreRefused):
                raise
            return kept[1]
        self._seen[slug] = now, found
        return found

    def read(self, slug: str) -> Practice:
        """A practice as it is now, read consistently. Raises PracticeNotFound."""
        found = _practice(query(keys.practice_partition(slug), consistent=True))
        self._seen[slug] = self._clock.now(), found
        return found

    def save(self, practice: Practice, seen: int | None = None, events: Sequence[PracticeEvent] = ()) -> None:
        """Create or replace a practice; what no longer belongs to it is removed. Unchanged items are not written.

        Its own settings are written first and on their version, so that of staff and operator one begins anew. Calendars and
        long blocks of providers that stay are left alone: ports.CalendarRepository and the ledger write them. Raises
        WriteConflict.
        """
        profile = keys.profile(practice.slug)
        stored = {
            keys.Key(one.pk, one.sk): one for one in query(keys.practice_partition(practice.slug), consistent=True)
        }
        version = int(stored[profile].v or 0) if profile in stored else 0
        if seen is not None and seen != version:
            raise WriteConflict
        wanted = {keys.Key(one.pk, one.sk): one for one in _items(practice, version + 1)}
        differing = {key: one for key, one in wanted.items() if key not in stored or stored[key].body != one.body}
        if any(one.v for one in differing.values()):
            differing.pop(profile, None)
            told = (event_item(practice.slug, event) for event in events)
            save_all_if(wanted[profile], _is_still(stored.get(profile)), *told)
        for key, one in differing.items():
            if one.v:
                save_if(one, _is_still(stored.get(key)))
            else:
                answered(one.save)
        for key, one in stored.items():
            if key not in wanted and not _is_calendar_of(key.sk, practice):
                answered(one.delete)
        answered(item(keys.registered(practice.slug)).save)
        before = {key.sk.partition("#")[2] for key in stored if key.sk.startswith("STAFF#")}
        for email in practice.staff:
            answered(item(keys.person(email, practice.slug)).save)
        for email in before - practice.staff.keys():
            answered(TableItem(*keys.person(email, practice.slug)).delete)
        self._seen.pop(practice.slug, None)

    def change(self, before: Practice, after: Practice, events: Sequence[PracticeEvent]) -> None:
        """Write what differs of a practice's own settings and its providers, with the entries that tell of it."""
        slug, version = before.slug, before.version + 1
        providers = [
            item(keys.provider(slug, one.id), one, version)
            for one in after.providers.values()
            if before.providers.get(one.id) != one
        ]
        is_still = TableItem.v == before.version if before.version else TableItem.v.does_not_exist()
        told = (event_item(slug, event) for event in events)
        save_all_if(item(keys.profile(slug), _alone(after), version), is_still, *providers, *told)
        self._seen.pop(slug, None)

    def slugs(self) -> list[str]:
        """All practices' slugs."""
        return [found.sk for found in query(keys.PRACTICES)]

    def practices_of(self, email: str) -> list[str]:
        """Slugs of the practices in which somebody is staff."""
        return [found.sk for found in query(keys.person(email, "").pk)]

    def logo(self, slug: str) -> tuple[str, bytes] | None:
        """The kind and the bytes of a practice's logo, at most 30 s old; None if it has none."""
        now = self._clock.now()
        if slug not in self._logos or now - self._logos[slug][0] > _KEPT:
            found = get(keys.logo(slug), consistent=False)
            kind, _, content = (found.body or b"").partition(b"\n") if found else (b"", b"", b"")
            self._logos[slug] = now, (kind.decode(), content) if found else None
        return self._logos[slug][1]

    def save_logo(self, slug: str, logo: tuple[str, bytes] | None) -> None:
        """Replace a practice's logo, or take it away. An unchanged one is not written."""
        if logo == self.logo(slug):
            return
        if logo is None:
            answered(TableItem(*keys.logo(slug)).delete)
        else:
            answered(item(keys.logo(slug), logo[0].encode() + b"\n" + logo[1]).save)
        self._logos.pop(slug, None)


def _alone(practice: Practice) -> Practice:
    """A practice as its own item holds it."""
    return replace(practice, providers={}, sources={}, staff={}, calendars={}, long_blocks={}, version=0)


def _items(practice: Practice, version: int) -> list[TableItem]:
    """All items of a practice; those that staff may change, too, with a version."""
    slug = practice.slug
    return [
        item(keys.profile(slug), _alone(practice), version),
        *(item(keys.provider(slug, one.id), one, version) for one in practice.providers.values()),
        *(item(keys.source(slug, one.id), one) for one in practice.sources.values()),
        *(item(keys.staff(slug, one.email), one) for one in practice.staff.values()),
    ]


def _is_still(stored: TableItem | None) -> Condition:
    """That an item is as it was read."""
    if stored is None:
        return TableItem.pk.does_not_exist()
    return TableItem.v == stored.v if stored.v else TableItem.v.does_not_exist()


def _practice(found: list[TableItem]) -> Practice:
    parts: dict[str, list[TableItem]] = {}
    for one in found:
        parts.setdefault(one.sk.partition("#")[0], []).append(one)
    if "PROFILE" not in parts:
        raise PracticeNotFound
    providers = [decoded(one, Provider) for one in parts.get("PROVIDER", ())]
    sources = [decoded(one, Source) for one in parts.get("SOURCE", ())]
    staff = [decoded(one, StaffMember) for one in parts.get("STAFF", ())]
    blocks = [decoded(one, LongBlocks) for one in parts.get("BLOCKS", ())]
    return replace(
        decoded(parts["PROFILE"][0], Practice),
        providers={one.id: one for one in providers},
        sources={one.id: one for one in sources},
        staff={one.email: one for one in staff},
        calendars={one.sk.partition("#")[2]: decoded(one, Calendar) for one in parts.get("CALENDAR", ())},
        long_blocks={one.provider_id: one.blocks for one in blocks},
        version=int(parts["PROFILE"][0].v or 0),
    )


def _is_calendar_of(sk: str, practice: Practice) -> bool:
    kind, _, provider_id = sk.partition("#")
    return kind in ("CALENDAR", "BLOCKS") and (not provider_id or provider_id in practice.providers)
