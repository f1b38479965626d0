"""What speaks for and against an appointment being a request's, in words for machines; pages say them in staff's language."""

from enum import StrEnum
from typing import NamedTuple


class Field(StrEnum):
    """What is compared. Suffixes are looked at with the last name; location only where both sides know one."""

    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    BIRTH_DATE = "birth_date"
    MOBILE = "mobile"
    EMAIL = "email"
    START = "start"
    PROVIDER = "provider"
    LOCATION = "location"


class Verdict(StrEnum):
    """Absent: one side, or both, say nothing of it."""

    AGREES = "agrees"
    DIFFERS = "differs"
    ABSENT = "absent"


class How(StrEnum):
    """In which way a field differs (or, *shared* and *uncertain zone*, agrees)."""

    SWAPPED_NAMES = "swapped_names"
    """First and last name stand in each other's place."""
    MISPLACED_NAME = "misplaced_name"
    """One of the two stands in the other's place, and the other is not found."""
    NICKNAME = "nickname"
    ONE_OF_SEVERAL = "one_of_several"
    """Given names of which only some are the same: Maria Elena, Elena."""
    INITIAL = "initial"
    SHORTENED = "shortened"
    """One is the beginning of the other."""
    PART_OF_DOUBLE_NAME = "part_of_double_name"
    FORMER_NAME = "former_name"
    """It agrees with a name that the record marks as old, a maiden name for one."""
    OTHER_SUFFIX = "other_suffix"
    """Jr. and Sr.: often father and son."""
    OTHER_SPELLING = "other_spelling"
    """Müller, Mueller; Søren, Soren."""
    ONE_LETTER = "one_letter"
    TRANSPOSED = "transposed"
    """Two neighbouring letters or digits changed places."""
    SIMILAR = "similar"
    SWAPPED_DAY_AND_MONTH = "swapped_day_and_month"
    ONE_DIGIT = "one_digit"
    ONE_PART = "one_part"
    """Of year, month and day one is another."""
    DOTS_OR_TAG = "dots_or_tag"
    """Another address, which some providers deliver to the same mailbox."""
    OTHER_DOMAIN = "other_domain"
    """The same name at another domain."""
    SHARED = "shared"
    """It agrees, while first name and birth date differ: a family's."""
    OTHER_TIME = "other_time"
    """The same day of the location, another time."""
    OTHER_DAY = "other_day"
    UNCERTAIN_ZONE = "uncertain_zone"
    """The same instant, if the source's zone is what we take it for."""


class Evidence(NamedTuple):
    """One field of a pair: what was typed or asked for, what the record has ("" if nothing), and what that says.

    Values are for pages to format: names as entered, the birth date as an ISO date, phones in E.164, addresses as entered, the
    start as an ISO instant in UTC, ids of provider and location. Of several values on the record it is the closest one.
    """

    field: Field
    typed: str
    record: str
    verdict: Verdict
    how: How | None = None
