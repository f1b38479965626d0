"""Finding visits by name, phone or e-mail, as far as somebody on the phone has spelled it (product section 7, *Portal*).

Names compare as in `people`: without case, accents, spaces, punctuation, titles and suffixes. A visit is found by the beginning
of its last name, of its first name, of one further name, of its first phone number and of its first e-mail address; more words
have to occur somewhere in the name. What only leads a last name (de la Cruz, van Gogh) need not be typed.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from .appointments import NameUse, RecordPatient
from .people import family_name, given_names, normalise_email
from .requests import Booker, Patient

SHORTEST = 2
"""Letters that a word needs to be looked for."""
SHORTEST_NUMBER = 4
"""Digits that a phone number needs."""
_LEADS = frozenset(
    ("af", "al", "av", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e", "el", "ibn", "la",
     "las", "le", "los", "ter", "van", "vom", "von", "y", "zu", "zum", "zur")
)  # fmt: skip
"""What leads a last name, or ties two, and is seldom said by whoever spells it."""
_LAST_NAME_FIRST = re.compile(rf"\S+,\s|(?:{'|'.join(sorted(_LEADS))})[-\u2010]\w", re.IGNORECASE)
"""How somebody begins who spells a last name first: with a comma behind it, or with what leads it, tied to it (Al-Sayed)."""
_LIKE_AN_ADDRESS = re.compile(r"\S*(?:[\d_+]|\w\.\w)\S*")
"""A word such as no name is, but the beginning of an e-mail address may be."""


class SearchBy(StrEnum):
    """What a visit can be found by: each is an index."""

    NAMED = "named"
    """Last name, then first names."""
    GIVEN = "given"
    """First names, then last name, as it is spoken: with what leads it."""
    FURTHER = "further"
    """All names, beginning with the second last name; without one, with what leads the last name, or the second first name."""
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
    """What a request can be found by: the contacts are those of the booker, if there is one."""
    return _keys((patient.first_name,), patient.last_name, patient.mobile or "", patient.email or "")


def keys_of_booker(booker: Booker) -> Mapping[SearchBy, str]:
    """What a request can be found by, too, if somebody asked for somebody else: their names."""
    return _keys((booker.first_name,), booker.last_name, "", "")


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
    words = given_names((text,)).words
    return _looks_for_name(words, text) if len("".join(words)) >= SHORTEST else []


def _looks_for_name(words: tuple[str, ...], text: str) -> list[Look]:
    leads, own = _led(words)
    if all(word in _LEADS for word in own):
        own = ("".join(own),)
    first, others = own[0], (*own[1:], *leads)
    if leads:
        # A last name as it is spoken: stored apart (de la Cruz), behind another one, or in one word (Delacruz).
        joined = Look(SearchBy.NAMED, "".join(leads) + first, own[1:])
        return [Look(SearchBy.NAMED, first, others), Look(SearchBy.FURTHER, first, others), joined]
    looks = [Look(SearchBy.NAMED, first, others), Look(SearchBy.GIVEN, first, others)]
    if others and _LAST_NAME_FIRST.match(text):
        looks.append(Look(SearchBy.FURTHER, first, others))
    elif others:
        looks.append(Look(SearchBy.NAMED, own[-1], own[:-1]))
    elif _LIKE_AN_ADDRESS.fullmatch(text):
        looks.append(Look(SearchBy.MAILED, normalise_email(text)))
    else:
        looks.append(Look(SearchBy.FURTHER, first))
    return looks


def looks_like(patient: Patient) -> list[Look]:
    """Where visits stand that have a patient's name, phone number or e-mail address."""
    keys = keys_of_patient(patient)
    return [Look(by, keys[by]) for by in (SearchBy.NAMED, SearchBy.PHONED, SearchBy.MAILED) if by in keys]


def _keys(given: tuple[str, ...], family: str, phone: str, email: str) -> Mapping[SearchBy, str]:
    firsts = given_names(given).words
    leads, lasts = _led(family_name(family).words)
    found = {
        SearchBy.NAMED: (*lasts, *firsts, *leads),
        SearchBy.GIVEN: (*firsts, *leads, *lasts),
        SearchBy.FURTHER: _further(firsts, leads, lasts),
        SearchBy.PHONED: filter(str.isdecimal, phone),
        SearchBy.MAILED: (normalise_email(email) if email else "",),
    }
    return {by: key for by, parts in found.items() if (key := "".join(parts))}


def _further(firsts: tuple[str, ...], leads: tuple[str, ...], lasts: tuple[str, ...]) -> tuple[str, ...]:
    """All names, beginning with one that neither last nor first names begin with; none, if there is none."""
    if second := _second(lasts):
        return (*lasts[second:], *lasts[:second], *firsts, *leads)
    if leads:
        return (*leads, *lasts, *firsts)
    second = _second(firsts)
    return (*firsts[second:], *firsts[:second], *lasts) if second else ()


def _second(names: tuple[str, ...]) -> int:
    """Where the second name begins; 0 if there is one name."""
    return next((n for n, name in enumerate(names) if n and name not in _LEADS), 0)


def _led(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What leads names, and the names themselves, which are all of it where there is nothing else."""
    begins = next((n for n, name in enumerate(names) if name not in _LEADS), 0)
    return names[:begins], names[begins:]
