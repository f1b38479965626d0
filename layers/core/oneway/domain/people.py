"""When two descriptions of a person agree (product section 2, *Agree*).

Agreement is equality after a normalisation that loses nothing a person would call different: case, accents, white space
and punctuation go; letters stay. So *Núñez* is *nunez* and *O'Brien-Smith* is *obriensmith*, while *Müller* is not
*Mueller* and *Søren* is not *Soren* (ø is a letter of its own, not an accented o). Marks are dropped only on Latin and Greek
letters: elsewhere a mark makes another letter (й is no и) or is the vowel.
"""

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from .appointments import NameUse, PersonName, RecordPatient
from .requests import Patient

_TITLES = frozenset(
    ("dr", "dra", "mr", "mrs", "ms", "miss", "mx", "doctor", "doctora", "prof", "rev", "sr", "sra", "srta", "don",
     "dona", "fr", "frau", "herr")
)  # fmt: skip
_SUFFIXES = {
    "jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr",
    "ii": "2", "2nd": "2", "iii": "3", "3rd": "3", "iv": "4", "4th": "4",
}  # fmt: skip
_ACCENTED_SCRIPTS = ("LATIN", "GREEK")


class Agreement(NamedTuple):
    """Which of a typed patient's identifiers agree with a record's."""

    first_name: bool
    last_name: bool
    birth_date: bool
    contact: bool


def agrees(typed: Patient, record: RecordPatient) -> bool:
    """Whether first name, last name and birth date agree, and a mobile or e-mail does."""
    return all(agreement(typed, record))


def agreement(typed: Patient, record: RecordPatient) -> Agreement:
    """What agrees, field by field. First and last name have to agree with one and the same name of the record."""
    first, (last, suffix) = normalise_name(_without_title(typed.first_name)), _family(typed.last_name, "")
    names = [name for name in record.names if name.use is NameUse.CURRENT]
    firsts = [bool(first) and first in _first_names(name) for name in names]
    lasts = [bool(last) and _same_family(last, suffix, name) for name in names]
    both = [one and other for one, other in zip(firsts, lasts, strict=True)]
    return Agreement(
        any(both) or (any(firsts) and not any(lasts)),
        any(both) or (any(lasts) and not any(firsts)),
        typed.birth_date == record.birth_date,
        _contact_agrees(typed, record),
    )


def normalise_name(text: str) -> str:
    """A name with nothing left but its letters and digits, in one case and without accents. Idempotent."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = []
    letter = ""
    for character in unicodedata.normalize("NFD", folded):
        if unicodedata.combining(character) or unicodedata.category(character) == "Mn":
            if letter and not unicodedata.name(letter, "").startswith(_ACCENTED_SCRIPTS):
                kept.append(character)
        elif character.isalnum():
            letter = character
            kept.append(character)
        elif unicodedata.category(character) == "Mc":
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def normalise_email(text: str) -> str:
    """An e-mail address in lower case; dots and plus-tags are part of it."""
    return unicodedata.normalize("NFC", text.strip()).lower()


def _contact_agrees(typed: Patient, record: RecordPatient) -> bool:
    if typed.mobile and typed.mobile in record.phones:
        return True
    return bool(typed.email) and normalise_email(typed.email or "") in map(normalise_email, record.emails)


def _first_names(name: PersonName) -> Iterable[str]:
    """The first of the given names, and all of them together."""
    given = [part for text in name.given for part in _words(_without_title(text))]
    spelled = "".join(map(normalise_name, given))
    first = normalise_name(given[0]) if given else ""
    whole_first = normalise_name(_without_title(name.given[0])) if name.given else ""
    return {one for one in (first, whole_first, spelled) if one}


def _same_family(last: str, suffix: str, name: PersonName) -> bool:
    theirs, their_suffix = _family(name.family, name.suffix)
    return last == theirs and not (suffix and their_suffix and suffix != their_suffix)


def _family(text: str, suffix: str) -> tuple[str, str]:
    """A last name without its suffix, and the suffix; a suffix on one side only is ignored (product section 2)."""
    words = _words(_without_title(text))
    found = _suffix(suffix)
    if len(words) > 1 and (own := _suffix(words[-1])):
        words, found = words[:-1], found or own
    return normalise_name("".join(words)), found


def _suffix(text: str) -> str:
    return _SUFFIXES.get(normalise_name(text), "")


def _without_title(text: str) -> str:
    words = _words(text)
    while len(words) > 1 and normalise_name(words[0]) in _TITLES:
        words = words[1:]
    return " ".join(words)


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
