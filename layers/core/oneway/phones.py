"""Phone numbers as E.164, through phonenumberslite (Google's libphonenumber); the domain sees nothing else."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_NOTES = re.compile(r"\([^()\d]*\)|[^\W\d]{3,}")
"""Words of three letters or more, and what stands in brackets without a digit."""
_BETWEEN_NUMBERS = re.compile(r"[/;,|]")


@lru_cache(maxsize=16_384)
def to_e164(text: str, country: str) -> str | None:
    """A typed number in E.164, read as people of a country (ISO 3166-1 alpha-2) write it; None if it is none.

    A number counts when its country's numbering plan knows it (libphonenumber's *valid*), in any digits of Unicode. An extension
    is dropped: E.164 has none, and mobiles, which this is for, neither. What is no number as it stands is read once more as
    people mean it: 00 for + from anywhere (ITU-T E.164 recommends it as the international prefix; a valid national number always
    goes first), Mexico's former 1 before mobiles (+52 1, gone since August 2019), without a note beside it, the first of several.
    Kept in memory: a schedule names the same people with every pull, and reading one number takes longer than reading the visit.
    """
    return next(filter(None, (_valid(reading, country) for reading in _readings(text))), None)


def _readings(text: str) -> Iterator[str]:
    yield text
    plain = unicodedata.normalize("NFKC", text)
    bare = _NOTES.sub(" ", plain)
    for one in (bare, *_BETWEEN_NUMBERS.split(bare)):
        digits = "".join(filter(str.isdecimal, one))
        if digits.startswith("00") and "+" not in one:
            yield "+" + digits[2:]
        elif "+" in one and digits.startswith("521"):
            yield "+52" + digits[3:]
        elif one != text:
            yield one


def _valid(text: str, country: str) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def example(country: str) -> str:
    """A mobile number that nobody has, as people of a country write it; "" where none is known."""
    import phonenumbers

    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL) if number else ""


def shown(e164: str, country: str) -> str:
    """A number as people of a country read it: national at home, international abroad."""
    import phonenumbers

    try:
        number = phonenumbers.parse(e164, country)
    except phonenumbers.NumberParseException:
        return e164
    home = phonenumbers.region_code_for_number(number) == country
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def beginnings(text: str, country: str) -> list[str]:
    """The digits, country code first, with which numbers begin whose beginning somebody of a country typed; at most two."""
    import phonenumbers

    digits = "".join(filter(str.isdecimal, unicodedata.normalize("NFKC", text)))
    if not digits or (whole := to_e164(text, country)):
        return [whole[1:]] if digits and whole else []
    if "+" in text:
        return [digits]
    if digits.startswith("00"):
        return [digits[2:]]
    code = str(phonenumbers.country_code_for_region(country))
    national = digits.removeprefix(phonenumbers.ndd_prefix_for_region(country, True) or "")
    return list(dict.fromkeys([code + national, *([digits] if digits.startswith(code) else [])]))
