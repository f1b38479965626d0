"""How a typed patient and a record's patient differ, field by field: the levels that evidence is weighed by.

A level is "agrees", "differs", "absent" (of at least one side) or a word of `How`. The levels are those that the literature
names: what front desks do to names, dates and numbers (Just et al. 2016, https://pmc.ncbi.nlm.nih.gov/articles/PMC4832129:
misspelled, swapped, nicknames, parts of double names), and approximate comparison by Jaro–Winkler (Winkler 1990).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from .appointments import NameUse, RecordPatient
from .evidence import How, Verdict
from .nicknames import same_by_nickname
from .people import FamilyName, GivenNames, family_name, given_names, normalise_email
from .requests import Patient
from .similarity import one_letter, one_replaced, similar, transposed

SIMILAR_FROM = 0.88
"""Jaro–Winkler from which two names count as similar: Winkler's and Grannis' implementations ask for 0.8 to 0.92."""
_WORD = 3
"""Letters from which a word can tell by being contained in another."""
_PARTICLES = frozenset(
    (
        "van",
        "von",
        "der",
        "den",
        "ter",
        "del",
        "los",
        "las",
        "dos",
        "das",
        "san",
        "bin",
        "ben",
        "abu",
        "mac",
        "the",
        "saint",
    )
)
_AGREES, _DIFFERS, _ABSENT = str(Verdict.AGREES), str(Verdict.DIFFERS), str(Verdict.ABSENT)

_NEAR: dict[str, str] = dict.fromkeys((How.ONE_LETTER, How.TRANSPOSED, How.OTHER_SPELLING), "near")
_SLIPS: dict[str, str] = dict.fromkeys((How.SWAPPED_DAY_AND_MONTH, How.ONE_DIGIT, How.TRANSPOSED), "slip")
_SHORT: dict[str, str] = dict.fromkeys((How.INITIAL, How.SHORTENED), "short")
_ELSEWHERE: dict[str, str] = {How.SWAPPED_NAMES: "swapped", How.MISPLACED_NAME: "misplaced"}
_PLAIN: dict[str, str] = {_AGREES: "agrees", _DIFFERS: "differs"}
GROUPS: Mapping[str, Mapping[str, str]] = {
    "first_name": {**_PLAIN, **_NEAR, **_SHORT, **_ELSEWHERE, How.NICKNAME: "nickname", How.ONE_OF_SEVERAL: "part",
                   How.SIMILAR: "similar"},
    "last_name": {**_PLAIN, **_NEAR, **_SHORT, **_ELSEWHERE, How.PART_OF_DOUBLE_NAME: "part", How.FORMER_NAME: "part",
                  How.SIMILAR: "similar"},
    "suffix": _PLAIN,
    "birth_date": {**_PLAIN, **_SLIPS, How.ONE_PART: "part"},
    "mobile": {**_PLAIN, **_SLIPS},
    "email": {**_PLAIN, **_NEAR, How.DOTS_OR_TAG: "near", How.OTHER_DOMAIN: "near"},
}  # fmt: skip
"""Field → level → the group that it is weighed with: levels too rare to be fitted alone go with what is like them."""


class Levels(NamedTuple):
    """What each field of a pair says. `suffix` is absent unless both have one; `name` is the record's closest one."""

    first_name: str
    last_name: str
    suffix: str
    birth_date: str
    mobile: str
    email: str
    name: int = -1


class Typed(NamedTuple):
    """A typed patient, normalised once."""

    given: GivenNames
    family: FamilyName
    birth_date: str
    mobile: str
    email: str


class RecordName(NamedTuple):
    """A name on a record, normalised once."""

    given: GivenNames
    family: FamilyName
    use: NameUse


class Recorded(NamedTuple):
    """A record's patient, normalised once. `birth_date` is "" where there is none."""

    names: tuple[RecordName, ...]
    birth_date: str
    phones: tuple[str, ...]
    emails: tuple[str, ...]


def typed_patient(patient: Patient) -> Typed:
    """A typed patient, ready to be compared."""
    return Typed(
        given_names((patient.first_name,)),
        family_name(patient.last_name),
        _digits(patient.birth_date.isoformat()),
        patient.mobile or "",
        _address(patient.email or ""),
    )


def recorded_patient(patient: RecordPatient) -> Recorded:
    """A record's patient, ready to be compared."""
    return Recorded(
        tuple(RecordName(given_names(n.given), family_name(n.family, n.suffix), n.use) for n in patient.names),
        _digits(patient.birth_date.isoformat()) if patient.birth_date else "",
        tuple(filter(None, patient.phones)),
        tuple(filter(None, map(_address, patient.emails))),
    )


def levels(typed: Typed, record: Recorded) -> Levels:
    """What each field says, with the record's closest name."""
    first, last, suffix, name = name_levels(typed, record)
    return Levels(first, last, suffix, *other_levels(typed, record), name)


def other_levels(typed: Typed, record: Recorded) -> tuple[str, str, str]:
    """Birth date, mobile and e-mail, which are quick to compare."""
    return (
        birth_date_level(typed.birth_date, record.birth_date),
        mobile_level(typed.mobile, record.phones),
        email_level(typed.email, record.emails),
    )


def name_levels(typed: Typed, record: Recorded) -> tuple[str, str, str, int]:
    """First name, last name and suffix, of the record's closest name, and which that is (-1: it has none)."""
    found = (_ABSENT, _ABSENT, _ABSENT, -1)
    best = -1
    for number, name in enumerate(record.names):
        first, last, suffix = _name_levels(typed.given, typed.family, name)
        close = _CLOSENESS.get(first, 2) + _CLOSENESS.get(last, 2)
        if close > best:
            found, best = (first, last, suffix, number), close
    return found


_CLOSENESS = {_AGREES: 3, _DIFFERS: 0, _ABSENT: 1}


@lru_cache(maxsize=32_768)
def _name_levels(given: GivenNames, family: FamilyName, name: RecordName) -> tuple[str, str, str]:
    first, last = first_name_level(given, name.given), last_name_level(family, name.family)
    if first != _AGREES and last != _AGREES and _swapped(given, family, name):
        first = last = How.SWAPPED_NAMES
    elif first == last == _DIFFERS and _misplaced(given, family, name):
        first = last = How.MISPLACED_NAME
    if name.use is NameUse.OLD and last == _AGREES:
        last = How.FORMER_NAME
    if name.use is NameUse.NICKNAME and first == _AGREES:
        first = How.NICKNAME
    ours = family.suffix or given.suffix
    theirs = name.family.suffix or name.given.suffix
    suffix = _ABSENT if not (ours and theirs) else _AGREES if ours == theirs else _DIFFERS
    return first, last, suffix


def first_name_level(typed: GivenNames, record: GivenNames) -> str:
    """Agreement is as in `people`: the first or all of the record's given names."""
    if not typed.whole or not record.whole:
        return _ABSENT
    if typed.whole in record.first:
        return _AGREES
    if any(word in record.words for word in typed.words if len(word) > 1):
        return How.ONE_OF_SEVERAL
    one, other = typed.words[0], record.words[0]
    if same_by_nickname(one, other) or same_by_nickname(typed.whole, record.whole):
        return How.NICKNAME
    if one[0] == other[0] and 1 in (len(one), len(other)):
        return How.INITIAL
    whole = typed.whole, record.whole
    return _closest(whole) if (one, other) == whole else _closest(whole, (one, other))


def last_name_level(typed: FamilyName, record: FamilyName) -> str:
    """The whole name, else one part of a double name, else how alike they are."""
    if not typed.whole or not record.whole:
        return _ABSENT
    if typed.whole == record.whole:
        return _AGREES
    if any(word in record.words for word in typed.words if len(word) >= _WORD and word not in _PARTICLES):
        return How.PART_OF_DOUBLE_NAME
    return _closest((typed.whole, record.whole))


def birth_date_level(typed: str, record: str) -> str:
    """Of two dates as eight digits: the slips that keyboards and habits make, else whether one part of three is another."""
    if not typed or not record:
        return _ABSENT
    if typed == record:
        return _AGREES
    same = (typed[:4] == record[:4]) + (typed[4:6] == record[4:6]) + (typed[6:] == record[6:])
    if not same:
        return _DIFFERS  # any slip leaves a part as it was
    if typed[:4] == record[:4] and typed[4:6] == record[6:] and typed[6:] == record[4:6]:
        return How.SWAPPED_DAY_AND_MONTH
    if one_replaced(typed, record):
        return How.ONE_DIGIT
    if transposed(typed, record):
        return How.TRANSPOSED
    return How.ONE_PART if same == 2 else _DIFFERS


def mobile_level(typed: str, phones: Iterable[str]) -> str:
    """The closest of the record's phones, all in E.164."""
    if not typed:
        return _ABSENT
    found = _ABSENT
    for phone in phones:
        if phone == typed:
            return _AGREES
        if found != How.ONE_DIGIT:
            slip = How.ONE_DIGIT if one_letter(typed, phone) else How.TRANSPOSED if transposed(typed, phone) else None
            found = slip or (found if found == How.TRANSPOSED else _DIFFERS)
    return found


def email_level(typed: str, emails: Iterable[str]) -> str:
    """The closest of the record's addresses, all normalised."""
    if not typed:
        return _ABSENT
    found = _ABSENT
    for address in emails:
        if address == typed:
            return _AGREES
        if found in (_ABSENT, _DIFFERS):
            found = _address_level(typed, address)
    return found


def _address_level(one: str, other: str) -> str:
    local, _, domain = one.rpartition("@")
    their_local, _, their_domain = other.rpartition("@")
    if local == their_local:
        return How.OTHER_DOMAIN
    a, b, c, d = local[:1], local[1:2], their_local[:1], their_local[1:2]
    if a != c and b != d and a != d and b != c:
        return _DIFFERS  # by more than one slip of a hand
    if a == c and domain == their_domain and _mailbox(local) == _mailbox(their_local):
        return How.DOTS_OR_TAG
    if transposed(one, other):
        return How.TRANSPOSED
    return How.ONE_LETTER if one_letter(one, other) else _DIFFERS


def _closest(*pairs: tuple[str, str]) -> str:
    """The closest level of pairs of names that are not the same."""
    for one, other in pairs:
        if _spelled_out(one) == _spelled_out(other):
            return How.OTHER_SPELLING
        if min(len(one), len(other)) >= _WORD:
            if one_letter(one, other):
                return How.ONE_LETTER
            if transposed(one, other):
                return How.TRANSPOSED
    for one, other in pairs:
        if min(len(one), len(other)) >= _WORD and (one.startswith(other) or other.startswith(one)):
            return How.SHORTENED
        if similar(one, other, SIMILAR_FROM):
            return How.SIMILAR
    return _DIFFERS


def _swapped(given: GivenNames, family: FamilyName, name: RecordName) -> bool:
    if not (given.whole and family.whole and name.given.whole and name.family.whole):
        return False
    theirs = name.given.words[0]
    if given.whole == name.family.whole and family.whole in name.given.first:
        return True
    if not similar(given.whole, name.family.whole, SIMILAR_FROM):
        return False
    return any(similar(family.whole, first, SIMILAR_FROM) for first in (theirs, name.given.whole))


def _misplaced(given: GivenNames, family: FamilyName, name: RecordName) -> bool:
    return given.whole == name.family.whole or family.whole in name.given.first


@lru_cache(maxsize=16_384)
def _spelled_out(name: str) -> str:
    """A name with both readings of an umlaut, a ring or a stroke as one."""
    for spelled, letter in (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"), ("ø", "o"), ("dj", "d")):
        name = name.replace(spelled, letter)
    return name


def _mailbox(local: str) -> str:
    return local.partition("+")[0].replace(".", "")


def _address(text: str) -> str:
    address = normalise_email(text)
    return address if "@" in address else ""


def _digits(iso_date: str) -> str:
    return iso_date.replace("-", "")
