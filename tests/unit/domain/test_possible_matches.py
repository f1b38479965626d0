"""Possible matches: what staff are shown, why, in which order, and what they are not shown."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.appointments import Appointment, AppointmentState, NameUse, PersonName, RecordPatient, RowKind
from oneway.domain.comparing_people import birth_date_level
from oneway.domain.evidence import Evidence, Field, How, Verdict
from oneway.domain.match_weights import FLOOR
from oneway.domain.matching import confirms
from oneway.domain.people import agrees
from oneway.domain.possible_matches import (
    AppointmentsByKey,
    PossibleMatch,
    PossibleMatchKind,
    possible_matches,
)
from oneway.domain.practices import Practice
from oneway.domain.requests import Patient

from tests.builders import NOW, START, a_patient, a_practice, a_record, a_request, a_row, an_appointment

DAYS = timedelta(days=1)
CHILD = a_record(names=(PersonName(("Elena",), "Núñez"),), birth_date=date(2015, 9, 30))
TWIN = a_record(names=(PersonName(("Ana",), "Nunez"),))


def seen(identifier: str = "appt-1", later: timedelta = timedelta(0), **changes: Any) -> Appointment:
    """A visit entered after the request; changes of its row."""
    return an_appointment(a_row(identifier, start=START + later, end=START + later + timedelta(minutes=30), **changes))


def two_places() -> Practice:
    practice = a_practice()
    main = replace(practice.locations["main"], external_id="loc-1")
    return replace(practice, locations={"main": main, "hill": replace(main, id="hill", external_id="loc-2")})


def found(appointment: Appointment, **request: Any) -> PossibleMatch | None:
    shown = possible_matches(a_request(**request), [appointment], two_places())
    return shown[0] if shown else None


def said(appointment: Appointment, field: Field, **request: Any) -> Evidence:
    match = found(appointment, **request)
    assert match
    return next(one for one in match.evidence if one.field is field)


@pytest.mark.parametrize(
    ("record", "field", "how"),
    [
        ({"names": (PersonName(("Mari",), "Nunez"),)}, Field.FIRST_NAME, How.ONE_LETTER),
        ({"names": (PersonName(("Mraia",), "Nunez"),)}, Field.FIRST_NAME, How.TRANSPOSED),
        ({"names": (PersonName(("Elena", "Maria"), "Nunez"),)}, Field.FIRST_NAME, How.ONE_OF_SEVERAL),
        ({"names": (PersonName(("M",), "Nunez"),)}, Field.FIRST_NAME, How.INITIAL),
        ({"names": (PersonName(("Ana",), "Nunez"),)}, Field.FIRST_NAME, None),
        ({"names": (PersonName(("Maria",), "Nunes"),)}, Field.LAST_NAME, How.ONE_LETTER),
        ({"names": (PersonName(("Maria",), "Nunez Lopez"),)}, Field.LAST_NAME, How.PART_OF_DOUBLE_NAME),
        ({"names": (PersonName(("Maria",), "Nunezlopez"),)}, Field.LAST_NAME, How.SHORTENED),
        ({"names": (PersonName(("Nunez",), "Maria"),)}, Field.LAST_NAME, How.SWAPPED_NAMES),
        ({"names": (PersonName(("Lopez",), "Maria"),)}, Field.LAST_NAME, How.MISPLACED_NAME),
        ({"names": (PersonName(("Maria",), "Quill"),)}, Field.LAST_NAME, None),
        ({"birth_date": date(1984, 12, 3)}, Field.BIRTH_DATE, How.SWAPPED_DAY_AND_MONTH),
        ({"birth_date": date(1984, 3, 13)}, Field.BIRTH_DATE, How.ONE_DIGIT),
        ({"birth_date": date(1984, 3, 21)}, Field.BIRTH_DATE, How.TRANSPOSED),
        ({"birth_date": date(1984, 3, 30)}, Field.BIRTH_DATE, How.ONE_PART),
        ({"phones": ("+14155552672",)}, Field.MOBILE, How.ONE_DIGIT),
        ({"phones": ("+14155552617",)}, Field.MOBILE, How.TRANSPOSED),
        ({"phones": ("+15105550100",)}, Field.MOBILE, None),
        ({"emails": ("ma.ria@example.org",)}, Field.EMAIL, How.DOTS_OR_TAG),
        ({"emails": ("maria+visits@example.org",)}, Field.EMAIL, How.DOTS_OR_TAG),
        ({"emails": ("maria@example.com",)}, Field.EMAIL, How.OTHER_DOMAIN),
        ({"emails": ("mraia@example.org",)}, Field.EMAIL, How.TRANSPOSED),
        ({"emails": ("mari@example.org",)}, Field.EMAIL, How.ONE_LETTER),
        ({"emails": ("front@harbor.example",)}, Field.EMAIL, None),
    ],
)
def test_what_differs_is_marked_with_how(record: dict[str, Any], field: Field, how: How | None) -> None:
    evidence = said(seen(patient=a_record(**record)), field)
    assert (evidence.verdict, evidence.how) == (Verdict.DIFFERS, how)


@pytest.mark.parametrize(
    ("typed", "name", "field", "how"),
    [
        (a_patient(first_name="Bill"), PersonName(("William",), "Nunez"), Field.FIRST_NAME, How.NICKNAME),
        (a_patient(first_name="Alexan"), PersonName(("Alexandria",), "Nunez"), Field.FIRST_NAME, How.SHORTENED),
        (a_patient(first_name="Jürgen"), PersonName(("Juergen",), "Nunez"), Field.FIRST_NAME, How.OTHER_SPELLING),
        (a_patient(last_name="Sørensen"), PersonName(("Maria",), "Sorensen"), Field.LAST_NAME, How.OTHER_SPELLING),
        (a_patient(last_name="Nunez Jr"), PersonName(("Maria",), "Nunez", "Sr"), Field.LAST_NAME, How.OTHER_SUFFIX),
        (a_patient(last_name="Steinmetz"), PersonName(("Maria",), "Steinmatse"), Field.LAST_NAME, How.SIMILAR),
    ],
)
def test_what_differs_is_marked_for_other_names_too(typed: Patient, name: PersonName, field: Field, how: How) -> None:
    assert said(seen(patient=a_record(names=(name,))), field, patient=typed).how is how


def test_old_names_and_nicknames_on_the_record_are_hints() -> None:
    now = PersonName(("Marta",), "Quill")
    maiden = PersonName(("Maria",), "Núñez", use=NameUse.OLD)
    assert said(seen(patient=a_record(names=(now, maiden))), Field.LAST_NAME).how is How.FORMER_NAME
    called = PersonName(("Maria",), "Núñez", use=NameUse.NICKNAME)
    assert said(seen(patient=a_record(names=(now, called))), Field.FIRST_NAME).how is How.NICKNAME


def test_evidence_shows_both_sides_and_the_closest_contact() -> None:
    record = a_record(birth_date=date(1984, 12, 3), phones=("+15105550100", "+14155552671"), emails=())
    match = found(seen(patient=record))
    assert match
    assert [(one.field, one.typed, one.record, one.verdict) for one in match.evidence] == [
        (Field.FIRST_NAME, "Maria", "MARIA", Verdict.AGREES),
        (Field.LAST_NAME, "Núñez", "Nunez", Verdict.AGREES),
        (Field.BIRTH_DATE, "1984-03-12", "1984-12-03", Verdict.DIFFERS),
        (Field.MOBILE, "+14155552671", "+14155552671", Verdict.AGREES),
        (Field.EMAIL, "maria@example.org", "", Verdict.ABSENT),
        (Field.START, "2026-11-24T17:30:00+00:00", "2026-11-24T17:30:00+00:00", Verdict.AGREES),
        (Field.PROVIDER, "osei", "osei", Verdict.AGREES),
    ]


MISTYPED = a_record(birth_date=date(1984, 12, 3))


@pytest.mark.parametrize(
    ("appointment", "kind"),
    [
        (seen(patient=MISTYPED), PossibleMatchKind.MISTYPED),
        (seen(zone_certain=False), PossibleMatchKind.MISTYPED),
        (seen(later=3 * DAYS), PossibleMatchKind.RESCHEDULED),
        (seen(later=timedelta(hours=2)), PossibleMatchKind.RESCHEDULED),
        (seen(later=30 * DAYS), PossibleMatchKind.RESCHEDULED),
        (seen(later=3 * DAYS, patient=MISTYPED), PossibleMatchKind.RESCHEDULED),
        (replace(seen(patient=MISTYPED), provider_id="brandt"), PossibleMatchKind.OTHER_PLACE),
        (seen(location_external_id="loc-2"), PossibleMatchKind.OTHER_PLACE),
        (seen(patient=MISTYPED, location_external_id="loc-9"), PossibleMatchKind.MISTYPED),
        (replace(seen(), changed_at=NOW), PossibleMatchKind.ALREADY_SCHEDULED),
        (replace(seen(later=3 * DAYS), changed_at=NOW - DAYS), PossibleMatchKind.ALREADY_SCHEDULED),
        (seen(patient=MISTYPED, series="weekly"), PossibleMatchKind.MISTYPED),
        (seen(later=31 * DAYS), None),
        (seen(later=3 * DAYS, series="weekly"), None),
        (seen(later=-1 * DAYS), None),  # it began before the request was made
        (seen(state=AppointmentState.CANCELLED), None),
        (seen(state=AppointmentState.TENTATIVE), None),
        (seen(kind=RowKind.BLOCK), None),
        (seen(patient=None), None),
        (replace(seen(patient=MISTYPED), request_id="another"), None),
        (replace(seen(patient=MISTYPED), missing_since=NOW), None),
        (replace(seen(patient=MISTYPED), practice="pier"), None),
    ],
)
def test_kinds(appointment: Appointment, kind: PossibleMatchKind | None) -> None:
    match = found(appointment)
    assert (match.kind if match else None) is kind


def test_start_and_place_are_evidence_too() -> None:
    assert said(seen(zone_certain=False), Field.START).how is How.UNCERTAIN_ZONE
    assert said(seen(later=timedelta(hours=2)), Field.START).how is How.OTHER_TIME
    assert said(seen(later=timedelta(hours=20)), Field.START).how is How.OTHER_DAY
    assert said(seen(location_external_id="loc-2"), Field.LOCATION).verdict is Verdict.DIFFERS
    elsewhere = replace(seen(later=DAYS), provider_id="brandt")
    assert said(elsewhere, Field.PROVIDER).verdict is Verdict.DIFFERS


def test_a_request_without_a_time_may_be_answered_by_any_later_visit_of_the_person() -> None:
    match = found(seen(later=60 * DAYS), slot=None)
    assert match
    assert match.kind is PossibleMatchKind.RESCHEDULED
    assert said(seen(), Field.START, slot=None).verdict is Verdict.ABSENT
    assert not confirms(seen(), a_request(slot=None), two_places())


@pytest.mark.parametrize(
    ("who", "record"),
    [
        ("a twin", TWIN),
        ("a child on the same phone", CHILD),
        ("a spouse who shares phone and e-mail", a_record(names=(PersonName(("Luis",), "Núñez"),), birth_date=date(1982, 1, 5))),
        ("a parent of one name", a_record(names=(PersonName(("Maria",), "Núñez", "Sr"),), birth_date=date(1951, 8, 20))),
        ("a namesake", a_record(birth_date=date(1951, 8, 20), phones=("+15105550100",), emails=("m@example.net",))),
        ("somebody else", RecordPatient("p", (PersonName(("Olga",), "Reed"),), date(1970, 5, 5), ("+15105550100",))),
        ("nobody known", RecordPatient("p")),
    ],
)  # fmt: skip
def test_other_people_are_not_suggested_at_other_times(who: str, record: RecordPatient) -> None:
    assert found(seen(later=DAYS, patient=record)) is None, who
    assert not agrees(a_patient(), record)


@pytest.mark.parametrize(
    "record",
    [CHILD, RecordPatient("p", (PersonName(("Olga",), "Reed"),), date(1970, 5, 5), ("+15105550100",)), RecordPatient("p")],
)  # fmt: skip
def test_others_at_the_very_time_are_not_suggested_either(record: RecordPatient) -> None:
    assert found(seen(patient=record)) is None


def test_a_twin_at_the_very_time_is_shown_with_what_a_family_shares() -> None:
    match = found(seen(patient=TWIN))
    assert match
    assert {one.field for one in match.evidence if one.how is How.SHARED} == {Field.MOBILE, Field.EMAIL}
    assert said(seen(patient=TWIN), Field.FIRST_NAME).verdict is Verdict.DIFFERS


def test_a_person_with_new_contacts_is_no_relative() -> None:
    assert found(seen(later=DAYS, patient=a_record(phones=("+15105550100",), emails=("front@harbor.example",))))


def test_a_slip_in_every_field_is_found_by_the_birth_date_turned_round() -> None:
    name = PersonName(("Mari",), "Nunes")
    assert found(seen(later=DAYS, patient=RecordPatient("p", (name,), date(1984, 12, 3))))


def test_twins_at_neighbouring_times_each_find_their_own() -> None:
    twin = a_patient(first_name="Ana")
    maria, ana = a_request(id="maria"), a_request(id="ana", patient=twin, slot=a_request().slot)
    visits = [seen("maria", DAYS), seen("ana", DAYS, patient=TWIN)]
    for request, own in ((maria, 0), (ana, 1)):
        shown = possible_matches(request, visits, a_practice())
        assert [match.appointment_id for match in shown] == [visits[own].id]
        assert not confirms(visits[1 - own], request, a_practice())


FATHER_AND_SON = date(1950, 1, 2), date(1980, 6, 7)


@pytest.mark.parametrize("typed_suffix", [True, False], ids=["typed", "left out"])
@pytest.mark.parametrize("who", [0, 1], ids=["the elder asks", "the younger asks"])
@pytest.mark.parametrize("suffixes", [("Sr", "Jr"), ("", "Jr"), ("Sr", ""), ("Jr", "III"), ("II", "III"), ("", "II")])
def test_father_and_son_of_one_name_each_find_their_own(
    suffixes: tuple[str, str], who: int, typed_suffix: bool
) -> None:
    """Also where the other one's visit stands at the very time, and the own one on another day."""
    records = [
        a_record(source_id=f"pat-{suffix}", names=(PersonName(("John",), "Reed", suffix),), birth_date=born)
        for suffix, born in zip(suffixes, FATHER_AND_SON, strict=True)
    ]
    last_name = f"Reed {suffixes[who]}".strip() if typed_suffix else "Reed"
    typed = a_patient(first_name="John", last_name=last_name, birth_date=FATHER_AND_SON[who])
    request = a_request(patient=typed)
    own, others = seen("own", DAYS, patient=records[who]), seen("others", patient=records[1 - who])
    assert possible_matches(request, [others, own], a_practice())[0].appointment_id == own.id
    assert not confirms(others, request, a_practice())
    assert confirms(seen("own", patient=records[who]), request, a_practice())


@pytest.mark.parametrize("typed", ["Sr", "Jr", "II", "III"])
@pytest.mark.parametrize("entered", ["Sr", "Jr", "II", "III"])
def test_two_different_suffixes_never_confirm_though_all_else_agrees(typed: str, entered: str) -> None:
    visit = seen(patient=a_record(names=(PersonName(("Maria",), "Nunez", entered),)))
    request = a_request(patient=a_patient(last_name=f"Nunez {typed}"))
    assert confirms(visit, request, a_practice()) is (typed == entered)


def test_of_two_visits_of_a_person_in_a_day_the_one_at_the_time_comes_first() -> None:
    visits = [seen("later", timedelta(hours=3), patient=MISTYPED), seen("there", patient=MISTYPED)]
    shown = possible_matches(a_request(), visits, a_practice())
    assert [match.kind for match in shown] == [PossibleMatchKind.MISTYPED, PossibleMatchKind.RESCHEDULED]


def test_the_time_counts_and_the_provider_too() -> None:
    there = seen("there", patient=MISTYPED)
    elsewhere = replace(seen("elsewhere", patient=MISTYPED), provider_id="brandt")
    another_day = seen("another-day", DAYS, patient=MISTYPED)
    shown = possible_matches(a_request(), [another_day, elsewhere, there], a_practice())
    assert [match.appointment_id for match in shown] == [there.id, elsewhere.id, another_day.id]
    assert found(replace(seen(patient=TWIN), provider_id="brandt"))


def test_of_equal_ones_the_nearer_comes_first() -> None:
    visits = [seen(f"{days}", days * DAYS) for days in (9, 2, 5)]
    shown = possible_matches(a_request(), visits, a_practice())
    assert [match.appointment_id for match in shown] == [visits[at].id for at in (1, 2, 0)]


def test_at_most_five_are_shown() -> None:
    visits = [seen(f"a{number}", number * DAYS) for number in range(1, 12)]
    assert len(possible_matches(a_request(), visits, a_practice())) == 5


def test_a_source_without_birth_dates_or_contacts_still_finds_names_at_the_time() -> None:
    bare = RecordPatient("p", (PersonName(("Maria",), "Nunez"),))
    assert found(seen(patient=bare))


PEOPLE = [
    a_record(),
    MISTYPED,
    TWIN,
    CHILD,
    a_record(phones=(), emails=()),
    a_record(names=(PersonName(("Núñez",), "Maria"),)),
]
visits = st.builds(
    lambda number, record, days, provider: replace(seen(f"a{number}", days * DAYS, patient=record), provider_id=provider),
    st.integers(0, 99), st.sampled_from(PEOPLE), st.integers(0, 40), st.sampled_from(["osei", "brandt"]),
)  # fmt: skip


@given(st.lists(visits, max_size=8, unique_by=lambda one: one.id))
def test_every_order_and_each_alone_say_the_same(appointments: list[Appointment]) -> None:
    practice, request = a_practice(), a_request()
    shown = AppointmentsByKey(appointments, practice).answering(request, floor=0.0)
    assert shown == AppointmentsByKey(appointments[::-1], practice).answering(request, floor=0.0)
    alone = [one for a in appointments for one in AppointmentsByKey([a], practice).answering(request, floor=0.0)]
    assert set(shown) <= set(alone)
    assert len(shown) == min(5, len(alone))


@given(st.lists(visits, max_size=8, unique_by=lambda one: one.id))
def test_the_list_is_in_order_and_above_the_floor(appointments: list[Appointment]) -> None:
    shown = possible_matches(a_request(), appointments, a_practice())
    scores = [match.score for match in shown]
    assert scores == sorted(scores, reverse=True)
    assert all(score >= FLOOR for score in scores)


NAMES = ["Maria", "Núñez", "Nunez Jr", "Mary", "Mario", "Zoltan", "Wexford", "Nunes", "Marie Nunez", "Sr Núñez"]
records = st.builds(
    lambda given, family, use, suffix, born, phones, emails: a_record(
        names=(PersonName((given,), family, suffix, use),), birth_date=born, phones=phones, emails=emails
    ),
    st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(NameUse), st.sampled_from(["", "Jr", "III"]),
    st.sampled_from([None, date(1984, 3, 12), date(1984, 12, 3), date(1984, 3, 21), date(1951, 7, 30)]),
    st.sampled_from([(), ("+14155552671",), ("+14155552672",), ("+12125550000",)]),
    st.sampled_from([(), ("maria@example.org",), ("mario@example.org",), ("zoltan@example.com",)]),
)  # fmt: skip


@given(records, st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from([0, 1]))
def test_what_is_passed_over_before_names_are_looked_at_is_below_the_floor(
    record: RecordPatient, first: str, last: str, days: int
) -> None:
    request = a_request(patient=a_patient(first_name=first, last_name=last))
    index = AppointmentsByKey([seen("a1", days * DAYS, patient=record)], a_practice())
    every = index.answering(request, floor=-1e9)
    assume(all(abs(one.score - FLOOR) > 0.01 for one in every))  # scores are shown rounded
    assert index.answering(request) == tuple(one for one in every if one.score >= FLOOR)
    assert [one.id for one in index.visits_answering(request)] == [
        one.appointment_id for one in index.answering(request)
    ]


@given(st.dates(date(1900, 1, 1)), st.integers(0, 7), st.sampled_from("0123456789"), st.booleans())
def test_one_slip_in_a_birth_date_is_never_just_another_date(born: date, at: int, digit: str, swap: bool) -> None:
    typed = f"{born:%Y%m%d}"
    other = typed[:at] + typed[at : at + 2][::-1] + typed[at + 2 :] if swap else typed[:at] + digit + typed[at + 1 :]
    assert birth_date_level(typed, other) in (Verdict.AGREES, How.ONE_DIGIT, How.TRANSPOSED, How.SWAPPED_DAY_AND_MONTH)
