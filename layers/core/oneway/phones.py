"""Phone numbers as E.164, through phonenumberslite (Google's libphonenumber); the domain sees nothing else."""

from functools import lru_cache


@lru_cache(maxsize=16_384)
def to_e164(text: str, country: str) -> str | None:
    """A typed number in E.164, read as people of a country (ISO 3166-1 alpha-2) write it; None if it is none.

    A number counts when its country's numbering plan knows it (libphonenumber's *valid*). An extension is dropped: mobiles,
    which this is for, have none. Kept in memory: a schedule names the same people with every pull, and reading one number
    takes longer than reading the visit.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


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
