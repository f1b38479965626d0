"""Finding visits by name, phone or e-mail, as far as somebody on the phone has spelled it (product section 7, *Portal*).

Names compare as in `people`: without case, accents, spaces and punctuation. A visit is found by the beginning of its last name,
of its first name, of its first phone number and of its first e-mail address; further words have to occur somewhere in the name.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from .appointments import NameUse, RecordPatient
from .people import family_name, given_names, normalise_email, normalise_name
from .requests import Patient

SHORTEST = 2
"""Letters that a word needs to be looked for."""
SHORTEST_NUMBER = 4
"""Digits that a phone number needs."""


class SearchBy(StrEnum):
    """What a visit can be found by: each is an index."""

    NAMED = "named"
    """Last name, then first names."""
    GIVEN = "given"
    """First names, then last name."""
    PHONED = "phoned"
    """Digits of the phone number, country code first."""
    MAILED = "mailed"
    """E-mail address."""


class Look(Struct, frozen=True):
    """One look into an index: all that begins with `prefix`, and has every word of `others` in it."""

    by: SearchBy
    prefix: str
    others: tuple[str, ...] = ()

    def takes(self, key: str) -> bool:
        """Whether a key that begins with the prefix has the other words."""
        return all(other in key for other in self.others)


def keys_of_patient(patient: Patient) -> Mapping[SearchBy, str]:
    """What a request can be found by."""
    return _keys((patient.first_name,), patient.last_name, patient.mobile or "", patient.email or "")


def keys_of_record(record: RecordPatient | None) -> Mapping[SearchBy, str]:
    """What an imported visit can be found by; nothing of one without a patient."""
    if record is None:
        return {}
    current = [name for name in record.names if name.use is NameUse.CURRENT] or record.names
    given, family = (current[0].given, current[0].family) if current else ((), "")
    return _keys(given, family, next(iter(record.phones), ""), next(iter(record.emails), ""))


def looks_for(text: str, phone_beginnings: Sequence[str]) -> list[Look]:
    """Where to look for what was typed: at most three looks. `phone_beginnings` are its digits as numbers may begin with them.

    Nothing to look for, or too little, is no look.
    """
    text = text.strip()
    if "@" in text:
        address = normalise_email(text)
        return [Look(SearchBy.MAILED, address)] if len(address) > SHORTEST else []
    digits = sum(map(str.isdecimal, text))
    if digits and not any(map(str.isalpha, text)):
        return [Look(SearchBy.PHONED, one) for one in phone_beginnings] if digits >= SHORTEST_NUMBER else []
    words = [word for part in text.replace(",", " ").split() if (word := normalise_name(part))]
    if not words or len("".join(words)) < SHORTEST:
        return []
    first, last = words[0], words[-1]
    looks = [Look(SearchBy.NAMED, first, tuple(words[1:])), Look(SearchBy.GIVEN, first, tuple(words[1:]))]
    if len(words) > 1:
        looks.append(Look(SearchBy.NAMED, last, tuple(words[:-1])))
    return looks


def looks_like(patient: Patient) -> list[Look]:
    """Where visits stand that have a patient's name, phone number or e-mail address."""
    keys = keys_of_patient(patient)
    return [Look(by, keys[by]) for by in (SearchBy.NAMED, SearchBy.PHONED, SearchBy.MAILED) if by in keys]


def _keys(given: tuple[str, ...], family: str, phone: str, email: str) -> Mapping[SearchBy, str]:
    first, last = given_names(given).whole, family_name(family).whole
    found = {
        SearchBy.NAMED: last + first,
        SearchBy.GIVEN: first + last,
        SearchBy.PHONED: "".join(filter(str.isdecimal, phone)),
        SearchBy.MAILED: normalise_email(email) if email else "",
    }
    return {by: key for by, key in found.items() if key}
