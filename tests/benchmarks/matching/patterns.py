"""In which way the pairs that no list shows first differ: each pair has one pattern, the first that it fits."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from oneway.domain.appointments import Appointment
from oneway.domain.comparing_people import Levels, levels, recorded_patient, typed_patient
from oneway.domain.evidence import Verdict
from oneway.domain.requests import Request


class Pattern(StrEnum):
    """What differs. All else is alike, but where the number is not the same, or something is missing."""

    NUMBER = "the number is another, or missing"
    MISSING = "a name or the birth date is missing"
    FIRST_NAME = "the first name alone differs, as with twins"
    BIRTH_DATE = "the birth date alone differs, as with father and son"
    NAME_AND_BIRTH_DATE = "a name and the birth date differ"
    BOTH_NAMES = "both names differ"
    OTHER = "none of these"


def pattern_of(request: Request, appointment: Appointment) -> Pattern:
    """The pattern of a pair whose appointment has a patient."""
    assert appointment.row.patient
    return _pattern(levels(typed_patient(request.patient), recorded_patient(appointment.row.patient)))


def counted(pairs: Iterable[tuple[Request, Appointment]]) -> Counter[Pattern]:
    """How many pairs have each pattern."""
    return Counter(pattern_of(request, appointment) for request, appointment in pairs)


def _pattern(found: Levels) -> Pattern:
    names, identifying = (found.first_name, found.last_name), (found.first_name, found.last_name, found.birth_date)
    if found.mobile != Verdict.AGREES:
        return Pattern.NUMBER
    if Verdict.ABSENT in identifying:
        return Pattern.MISSING
    match [one == Verdict.DIFFERS for one in identifying]:
        case [True, False, False]:
            return Pattern.FIRST_NAME
        case [False, False, True]:
            return Pattern.BIRTH_DATE
        case [True, True, False]:
            return Pattern.BOTH_NAMES
        case [*_, True] if Verdict.DIFFERS in names:
            return Pattern.NAME_AND_BIRTH_DATE
    return Pattern.OTHER
