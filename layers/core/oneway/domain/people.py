"""When two descriptions of a person agree (product section 2, *Agree*).

Agreement is equality after a normalisation that loses nothing a person would call different. docs/matching.md has every rule
with its reason and its source; in short:

- Case, accents, white space, punctuation and what only steers display (joiners, variation selectors) go; letters stay. So
  *Núñez* is *nunez* and *O'Brien-Smith* is *obriensmith*, however its apostrophe is written.
- A letter that has one spelling without it is only spelling (ICAO Doc 9303 part 3, section 6): ß is ss, æ ae, œ oe, þ th,
  ð d; strokes and missing dots are marks that Unicode does not take off (ł, đ, ħ, ŧ, ı). One that has two is itself: *Søren* is
  neither *Soren* nor *Soeren*. An accent that goes leaves its letter: *Müller* is *Muller*, not *Mueller*.
- Marks are dropped only on Latin and Greek letters, on Cyrillic ё (printed as е), and where they are vowel points (Arabic,
  Hebrew): elsewhere a mark makes another letter (й is no и) or is the vowel.
- Titles before a name, and titles and degrees after it, are no part of it, with the first name or with the last. Generational
  suffixes stand apart, wherever they were written: one on one side only is ignored, two different ones disagree. What is all of a
  name is the name: *Md* Rahman is Md.
- E-mail addresses compare in lower case, their domains as people read them (RFC 5890: an A-label is its U-label). Dots, plus-tags
  and other domains make other addresses. Phones are E.164 (`oneway.phones`).
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from .appointments import NameUse, PersonName, RecordPatient
from .requests import Patient

_TITLES = frozenset(
    ("dr", "dra", "mr", "mrs", "ms", "mx", "prof", "sr", "sra", "srta", "doctor", "doctora", "miss", "rev", "frau", "fr",
     "herr")
)  # fmt: skip
"""Before first names. Not *Don* and *Doña*, which people are called by: Don Wills is not Wills."""
_TITLES_BEFORE_LAST_NAMES = frozenset(("dr", "dra", "mr", "mrs", "ms", "mx", "prof", "sra", "srta"))
"""Only what is no surname: Herr, Miss, Doctor, Frau and Sr are, or may be, and a double name must keep its first part."""
_DEGREES = frozenset(("md", "phd", "dds", "dmd", "dvm", "rn", "esq"))
"""After names, as words of their own. Not what is a surname somewhere: Do, Ma, Pa."""
_AFTER_NAMES = _DEGREES | _TITLES_BEFORE_LAST_NAMES
_PIECES = 3
"""A degree may be written in so many: D. D. S."""
_LONGEST_PIECE = 2
_SUFFIXES = {
    "jr": "jr", "jnr": "jr", "junior": "jr", "sr": "sr", "snr": "sr", "senior": "sr",
    "ii": "2", "2nd": "2", "iii": "3", "3rd": "3", "iv": "4", "4th": "4",
}  # fmt: skip
_SUFFIXES_IN_THEIR_FIELD = {**_SUFFIXES, "i": "1", "1st": "1", "v": "5", "5th": "5", "vi": "6", "6th": "6"}
"""What is a number in the suffix's own field may be an initial elsewhere."""
_MARKED_SCRIPTS = ("LATIN", "GREEK")
_POINTS = frozenset(map(chr, (*range(0x0591, 0x05C8), *range(0x064B, 0x0653), 0x0670, 0x0640)))
"""Hebrew points and accents, Arabic vowel signs, and the tatweel that stretches a word: left out in everyday writing."""
_SPELLED = {"æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i"}
_APOSTROPHES = frozenset("ʹʺʻʼʽʾʿˈˊˋꞋꞌ՚")
"""Unicode counts these as letters; on a keyboard they are all one key."""
_ALONE: dict[int, str | int | None] = dict.fromkeys(
    (0xA8, 0xAF, 0xB4, 0xB8, *range(0x2D8, 0x2DE), 0x37A, 0x384, 0x385, 0x1FBD, *range(0x1FBF, 0x1FC2), *range(0x1FCD, 0x1FD0),
     *range(0x1FDD, 0x1FE0), 0x1FED, 0x1FEE, 0x1FFD, 0x1FFE, 0x2017, 0x203E, *range(0xFC5E, 0xFC64), *range(0xFE49, 0xFE4D),
     *range(0xFE70, 0xFE80, 2), 0xFFE3),
    "'",
) | {0x309B: 0x3099, 0x309C: 0x309A}  # fmt: skip
"""Accents that stand alone, as are struck where an apostrophe is meant (Ra´anan). Unicode takes each for a space with a mark on
it, which would make two words of one. Those of kana make another letter of the one before."""
_UNSEEN = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x180B, 0x180F), *range(0xFE00, 0xFE10),
              *range(0xE0100, 0xE01F0)))
)  # fmt: skip
"""Letters and marks that show nothing of their own (Unicode's Default_Ignorable_Code_Point)."""
_DOTS = str.maketrans("。．｡", "...")
_AROUND_ADDRESSES = " \t\r\n\u00a0\u200b\u2060\ufeff"


class Agreement(NamedTuple):
    """Which of a typed patient's identifiers agree with a record's."""

    first_name: bool
    last_name: bool
    birth_date: bool
    contact: bool


class GivenNames(NamedTuple):
    """Given names, normalised: `first` (the first word, and the whole first entry), `whole` all together, `words` each."""

    first: frozenset[str]
    whole: str
    words: tuple[str, ...]
    suffix: str


class FamilyName(NamedTuple):
    """A last name, normalised: `whole`, its `words` (at spaces and hyphens), and the suffix that stood with it."""

    whole: str
    words: tuple[str, ...]
    suffix: str


def agrees(typed: Patient, record: RecordPatient) -> bool:
    """Whether first name, last name and birth date agree, and a mobile or e-mail does. Quick to say no."""
    if typed.birth_date != record.birth_date or not _contact_agrees(typed, record):
        return False
    return all(agreement(typed, record))


def agreement(typed: Patient, record: RecordPatient) -> Agreement:
    """What agrees, field by field. First and last name have to agree with one and the same name of the record."""
    given, family = given_names((typed.first_name,)), family_name(typed.last_name)
    names = [name for name in record.names if name.use is NameUse.CURRENT]
    firsts = [_same_given(given, name) for name in names]
    lasts = [_same_family(family, given.suffix, name) for name in names]
    both = [one and other for one, other in zip(firsts, lasts, strict=True)]
    return Agreement(
        any(both) or (any(firsts) and not any(lasts)),
        any(both) or (any(lasts) and not any(firsts)),
        typed.birth_date == record.birth_date,
        _contact_agrees(typed, record),
    )


@lru_cache(maxsize=16_384)
def same_patient(one: Patient, other: Patient) -> bool:
    """Whether two requests are for the same person: both names agree, and the birth date."""
    names = [PersonName((other.first_name,), other.last_name)]
    found = agreement(one, RecordPatient(None, tuple(names), other.birth_date))
    return found.first_name and found.last_name and found.birth_date


def same_name(one: PersonName, other: PersonName) -> bool:
    """Whether two names that records have agree, whichever of them has more given names."""
    given, others = given_names(one.given), given_names(other.given)
    first = given.whole == others.whole or given.whole in others.first or others.whole in given.first
    return one == other or (first and _same_family(family_name(one.family, one.suffix), given.suffix, other))


def normalise_name(text: str) -> str:
    """A name with nothing left but its letters and digits, in one case and without accents. Idempotent."""
    if text.isascii():
        return text.lower() if text.isalnum() else "".join(filter(str.isalnum, text.lower()))
    kept: list[str] = []
    letter = ""
    for character in unicodedata.normalize("NFD", _compatible(text).casefold()):
        if character in _UNSEEN or character in _APOSTROPHES or character in _POINTS:
            continue
        if unicodedata.combining(character) or unicodedata.category(character) == "Mn":
            if letter and not _only_accents(letter, character):
                kept.append(character)
        elif character.isalnum():
            letter = character
            kept.append(_SPELLED.get(character, character))
        elif unicodedata.category(character) == "Mc":
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


@lru_cache(maxsize=16_384)
def normalise_email(text: str) -> str:
    """An e-mail address in lower case, its domain as people read it; dots and plus-tags are part of it. Idempotent."""
    stripped = text.strip(_AROUND_ADDRESSES).lower()
    if not stripped.isascii():
        stripped = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip(_AROUND_ADDRESSES)).lower())
    local, at, domain = stripped.rpartition("@")
    if not at or (domain.isascii() and "xn--" not in domain):
        return stripped.rstrip(".") if at else stripped
    labels = unicodedata.normalize("NFKC", domain).translate(_DOTS).rstrip(".").split(".")
    return local + at + ".".join(map(_readable, labels))


@lru_cache(maxsize=16_384)
def given_names(given: tuple[str, ...]) -> GivenNames:
    """Given names as entered (any number of them in one entry), without the title before and the suffix after them."""
    entries = [words for text in given if (words := _words(text))]
    while len(entries) > 1 and len(entries[0]) == 1 and normalise_name(entries[0][0]) in _TITLES:
        entries = entries[1:]
    suffix = ""
    if entries:
        entries[0] = _without(entries[0], _TITLES)
        # Letters that stand alone are initials here: John M. D. has two more names.
        left, suffix = _before_suffix([word for entry in entries for word in entry], has_initials=True)
        while (over := sum(map(len, entries)) - len(left)) > 0:
            entries = [*entries[:-1], *filter(None, [entries[-1][:-over]])]
    each = tuple(one for entry in entries for word in entry if (one := normalise_name(word)))
    first = (each[0] if each else "", normalise_name("".join(entries[0])) if entries else "", "".join(each))
    return GivenNames(frozenset(filter(None, first)), "".join(each), each, suffix)


@lru_cache(maxsize=16_384)
def family_name(text: str, suffix: str = "") -> FamilyName:
    """A last name as entered, and what the source has in its suffix field, which counts first."""
    words, own = _before_suffix(_without(_words(text), _TITLES_BEFORE_LAST_NAMES))
    found = _together(_SUFFIXES_IN_THEIR_FIELD.get(normalise_name(one), "") for one in _words(suffix)) or own
    parts = (normalise_name(part) for word in words for part in word.replace("‐", "-").split("-"))
    return FamilyName(normalise_name("".join(words)), tuple(filter(None, parts)), found)


def _before_suffix(words: list[str], *, has_initials: bool = False) -> tuple[list[str], str]:
    """A name's words without degrees, titles and suffixes at their end, in whichever order; and what the suffixes say. At least
    one word is left.
    """
    found: list[str] = []
    while len(words) > 1:
        count = _degree_at_end(words, has_initials=has_initials)
        if not count and (suffix := _suffix_before(found, normalise_name(words[-1]))):
            found.append(suffix)
            count = 1
        if not count:
            break
        words = words[:-count]
    return words, _together(found)


def _degree_at_end(words: list[str], *, has_initials: bool) -> int:
    """How many words a degree or title after a name takes, also in pieces (Ph. D.); 0 if there is none."""
    for count in range(min(_PIECES, len(words) - 1), 0, -1):
        pieces = [normalise_name(one) for one in words[-count:]]
        if "".join(pieces) in (_DEGREES if count > 1 else _AFTER_NAMES):
            longest = max(map(len, pieces))
            if count == 1 or (longest <= _LONGEST_PIECE and not (has_initials and longest == 1)):
                return count
    return 0


def _suffix_before(found: list[str], word: str) -> str:
    """The suffix that a word is, before those `found`; "" if it is none. Before one it is so only if it is of the other kind, as
    of *Jr III*; a word in full is a surname there.
    """
    suffix = _SUFFIXES.get(word, "")
    if not suffix or not found:
        return suffix
    is_other = len(found) == 1 and suffix.isdigit() is not found[0].isdigit()
    return suffix if is_other and word not in ("junior", "senior") else ""


def _together(suffixes: Iterable[str]) -> str:
    """What several suffixes say, in whichever order."""
    return "".join(sorted({*suffixes} - {""}))


def _only_accents(letter: str, mark: str) -> bool:
    if letter == "е" and mark == "\u0308":
        return True
    return unicodedata.name(letter, "").startswith(_MARKED_SCRIPTS)


def _same_given(typed: GivenNames, name: PersonName) -> bool:
    return bool(typed.whole) and typed.whole in given_names(name.given).first


def _same_family(typed: FamilyName, suffix: str, name: PersonName) -> bool:
    theirs = family_name(name.family, name.suffix)
    if not typed.whole or typed.whole != theirs.whole:
        return False
    ours, others = typed.suffix or suffix, theirs.suffix or given_names(name.given).suffix
    return not (ours and others and ours != others)


def _contact_agrees(typed: Patient, record: RecordPatient) -> bool:
    if typed.mobile and typed.mobile in record.phones:
        return True
    address = normalise_email(typed.email or "")
    return "@" in address and address in map(normalise_email, record.emails)


def _readable(label: str) -> str:
    """A label of a domain in Unicode, where it is a proper A-label.

    Not by encodings.idna, which is IDNA 2003: it would make strasse.de of straße.de, another's domain since RFC 5891.
    """
    lowered = unicodedata.normalize("NFC", label.lower())
    if not lowered.startswith("xn--"):
        return lowered
    try:
        shown = lowered[4:].encode("ascii").decode("punycode")
        proper = not shown.isascii() and shown == unicodedata.normalize("NFKC", shown).lower()
        return shown if proper and "." not in shown and "@" not in shown else lowered
    except (UnicodeError, ValueError, OverflowError):
        return lowered


def _without(words: list[str], titles: frozenset[str]) -> list[str]:
    while len(words) > 1 and normalise_name(words[0]) in titles:
        words = words[1:]
    return words


def _words(text: str) -> list[str]:
    return (text if text.isascii() else _compatible(text)).replace(",", " ").split()


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_ALONE))
