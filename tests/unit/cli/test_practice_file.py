"""practice.yaml: a good file gives the practice it describes; a bad one names every problem by line."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oneway.domain.availability import CLOSED_WEEK, Closure, Opening, Week
from oneway.domain.practices import Limits, StaffRole, Switches
from oneway.domain.vanishing import Brake

from cli.document import Problem
from cli.practice_file import PracticeFile, PracticeFileInvalid, read

HARBOR = (Path(__file__).parents[3] / "local/practices/harbor.yaml").read_text("utf-8")

SMALL = """\
practice: harbor
name: Harbor Clinic
country: US
phone: 415 555 0100
zone: America/Los_Angeles
reply_to: desk@harbor.example
recipients: [desk@harbor.example]
locations:
  main: {name: Main Street, address: 12 Main Street}
visit_types:
  new: {name: New patient, minutes: 30}
sources:
  ehr:
    kind: fhir
    address: https://fhir.harbor.example/r4/
    credentials: {token: {env: HARBOR_TOKEN}}
providers:
  osei:
    name: Dr. Amara Osei
    location: main
    visit_types: [new]
    source: ehr
    external_id: practitioner-1
    hours:
      mon: ["09:00-12:00", "13:00-17:00"]
"""


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(PracticeFileInvalid) as caught:
        read(text)
    return caught.value.problems


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def only_problem(old: str, new: str) -> Problem:
    """The one problem that a change makes."""
    found = problems_of(changed(old, new))
    assert len(found) == 1, found
    return found[0]


def default_week(text: str) -> Week:
    return read(text).practice.calendars["osei"].availability.default_weeks[0].week


def test_a_file_gives_its_practice() -> None:
    practice = read(SMALL).practice
    assert (practice.slug, practice.name, practice.phone) == ("harbor", "Harbor Clinic", "+14155550100")
    provider = practice.providers["osei"]
    assert provider.integrated
    week = default_week(SMALL)
    assert week[0] == (Opening(540, 720), Opening(780, 1020))
    assert week[1:] == CLOSED_WEEK[1:]
    assert practice.sources["ehr"].address == "https://fhir.harbor.example/r4"
    assert practice.locations["main"].zone == "America/Los_Angeles"


def test_what_is_left_out_takes_the_products_defaults() -> None:
    practice = read(SMALL).practice
    assert (practice.minimum_notice_minutes, practice.horizon_days, practice.language) == (120, 90, "en")
    assert practice.switches == Switches(confirmed=True, cancelled=True)
    assert (practice.sources["ehr"].interval_minutes, practice.sources["ehr"].profile) == (5, "generic")
    assert (practice.providers["osei"].split, practice.providers["osei"].step_minutes) == (1, 15)
    visit_type = practice.visit_types["new"]
    assert visit_type.for_new_patients
    assert visit_type.for_returning_patients


def test_the_demo_practice_is_valid() -> None:
    practice = read(HARBOR).practice
    assert len([p for p in practice.providers.values() if p.integrated]) == 3
    assert practice.providers["ruiz"].split == 2
    assert practice.visit_types["new-patient"].name_in("es") == "Paciente nuevo"
    assert not practice.visit_types["new-patient"].for_returning_patients
    assert practice.staff["ben@harbor.example"].role is StaffRole.VIEWER


def test_credentials_are_named_and_never_held() -> None:
    reference = read(SMALL).credentials["ehr"].secrets["token"]
    assert (reference.variable, reference.path) == ("HARBOR_TOKEN", "")
    assert reference.place.line == 16


def test_a_credential_may_be_in_a_file() -> None:
    found = read(changed("{env: HARBOR_TOKEN}", "{file: harbor.token}"))
    assert found.credentials["ehr"].secrets["token"].path == "harbor.token"


@pytest.mark.parametrize("written", ["s3cr3t-value", "{env: s3cr3t value}", "[s3cr3t-value]"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(written: str) -> None:
    found = problems_of(changed("{env: HARBOR_TOKEN}", written))
    assert found
    assert all("s3cr3t" not in problem.message for problem in found)


def test_hours_may_be_shared_by_an_anchor() -> None:
    text = SMALL.replace('mon: ["09:00-12:00", "13:00-17:00"]', "mon: &day [09:00-12:00]\n      tue: *day")
    week = default_week(text)
    assert week[0] == week[1] == (Opening(540, 720),)


def test_a_day_may_end_at_midnight() -> None:
    week = default_week(changed('"13:00-17:00"', '"13:00-24:00"'))
    assert week[0][1] == Opening(780, 1440)


def test_a_provider_without_a_source_is_not_integrated() -> None:
    text = SMALL.replace("    source: ehr\n    external_id: practitioner-1\n", "")
    assert not read(text).practice.providers["osei"].integrated


def test_numbers_written_without_quotes_stay_text_where_text_is_meant() -> None:
    practice = read(changed("external_id: practitioner-1", "external_id: 007")).practice
    assert practice.providers["osei"].external_id == "007"


def test_all_problems_are_told_at_once_from_top_to_bottom() -> None:
    text = SMALL.replace("zone: America/Los_Angeles", "zone: Los Angeles").replace("kind: fhir", "kind: fihr")
    text = text.replace("location: main", "location: mian").replace("09:00-12:00", "9-12")
    found = problems_of(text)
    assert [problem.line for problem in found] == [5, 14, 20, 25]


def test_a_problem_names_line_column_and_what_to_write() -> None:
    problem = only_problem("location: main", "location: mian")
    assert (problem.line, problem.column) == (20, 15)
    assert problem.message == (
        'providers.osei.location: there is no location "mian". Did you mean "main"? Possible: main.'
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("practice: harbor", "practice: Harbor Clinic", 1, 'Write for example: "harbor-clinic"'),
        ("practice: harbor\n", "", 1, '"practice" is missing'),
        ("name: Harbor Clinic", "name:", 2, "this is empty"),
        ("name: Harbor Clinic", "name: true", 2, "in quotes"),
        ("name: Harbor Clinic", "nmae: Harbor Clinic", 2, 'Did you mean "name"?'),
        ("country: US", "country: us", 3, 'Write: "US"'),
        ("country: US", "country: ZZ", 3, "ISO 3166-1"),
        ("phone: 415 555 0100", "phone: 12", 4, "no phone number of US"),
        ("zone: America/Los_Angeles", "zone: america/los_angeles", 5, 'Did you mean "America/Los_Angeles"?'),
        ("zone: America/Los_Angeles", "zone: EST", 5, "IANA name"),
        ("reply_to: desk@harbor.example", "reply_to: desk", 6, "no e-mail address"),
        ("reply_to: desk@harbor.example", "reply_to: a..b@harbor.example", 6, "no e-mail address"),
        ("reply_to: desk@harbor.example", "reply_to: josé@harbor.example", 6, "Mail cannot be sent to"),
        ("[desk@harbor.example]", "[desk@harbor.example, desk@harbor.example]", 7, "stands twice"),
        ("[desk@harbor.example]", "[]", 7, "at least one address"),
        ("minutes: 30", "minutes: 0", 11, "whole number from 5 to 720"),
        ("minutes: 30", "minutes: half an hour", 11, "whole number"),
        ("minutes: 30", "minutes: 30, for: [old]", 11, "Possible: new, returning."),
        ("kind: fhir", "kind: fhir\n    interval_minutes: 7", 15, "Possible: 1, 5, 15, 60."),
        ("kind: fhir", "kind: fhir\n    kind: fhir", 15, "stands twice; first in line 14"),
        ("https://fhir.harbor.example/r4/", "http://fhir.harbor.example/r4", 15, "https://"),
        ("https://fhir.harbor.example/r4/", "https://user:word@fhir.harbor.example", 15, "by reference"),
        ("https://fhir.harbor.example/r4/", "fhir.harbor.example", 15, "the whole address"),
        ("{token:", "{tokn:", 16, 'Did you mean "token"?'),
        ("{env: HARBOR_TOKEN}", "{env: A, file: b}", 16, "name one place"),
        ("visit_types: [new]", "visit_types: [nwe]", 21, 'Did you mean "new"?'),
        ("visit_types: [new]", "visit_types: [new, new]", 21, "stands twice"),
        ("    source: ehr\n", "", 22, 'needs a "source"'),
        ("    external_id: practitioner-1\n", "", 22, 'needs an "external_id"'),
        ('"13:00-17:00"', '"11:30-17:00"', 25, "11:30-17:00 overlaps 09:00-12:00"),
        ('"13:00-17:00"', '"17:00-13:00"', 25, "ends before it begins"),
        ('"13:00-17:00"', '"13:00-25:00"', 25, "no clock shows"),
        ('"13:00-17:00"', '"13:75-17:00"', 25, "no clock shows"),
        ("mon:", "monday:", 25, 'Did you mean "mon"?'),
    ],
)
def test_a_mistake_is_told_in_its_line_with_the_way_out(old: str, new: str, line: int, words: str) -> None:
    problem = only_problem(old, new)
    assert problem.line == line
    assert words in problem.message


def test_two_providers_cannot_be_the_same_one_in_the_source() -> None:
    text = SMALL + SMALL[SMALL.index("  osei:") :].replace("osei:", "brandt:")
    (problem,) = problems_of(text)
    assert (problem.line, problem.column) == (31, 18)
    assert "already the provider of line 23" in problem.message


def test_staff_cannot_stand_twice_whatever_the_case() -> None:
    staff = "staff:\n  - {email: Nadia@harbor.example, name: N}\n  - {email: nadia@harbor.example, name: N}\n"
    (problem,) = problems_of(SMALL + staff)
    assert problem.line == 28
    assert "stands twice among the staff" in problem.message


def test_a_missing_reference_is_told_once() -> None:
    """A broken definition does not complain a second time where it is used."""
    found = problems_of(changed("  main: {name: Main Street, address: 12 Main Street}", "  main: {name: Main Street}"))
    assert [problem.line for problem in found] == [9]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("- one\n- two\n", '"name: value"'),
        ("practice: [harbor\nname: x\n", "this is not YAML"),
        ("practice: \x07", "this is not YAML"),
        ("a: 1\n---\nb: 2\n", "this is not YAML"),
        ("[" * 5000, "too deeply"),
    ],
)
def test_what_is_no_practice_file_at_all_is_said_so(text: str, words: str) -> None:
    assert words in problems_of(text)[0].message


@given(
    st.integers(0, 1439).flatmap(lambda start: st.tuples(st.just(start), st.integers(start + 1, 1440))),
)
def test_every_interval_of_a_day_is_read_back_as_written(interval: tuple[int, int]) -> None:
    written = "-".join(f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in interval)
    week = default_week(SMALL.replace('"09:00-12:00", "13:00-17:00"', f'"{written}"'))
    assert week[0] == (Opening(*interval),)


@given(st.data())
def test_any_damage_gives_a_practice_or_problems_in_the_file(data: st.DataObject) -> None:
    """Whatever is cut out or typed in: never another error, and every problem stands inside the file."""
    start = data.draw(st.integers(0, len(SMALL)))
    end = data.draw(st.integers(start, min(len(SMALL), start + 30)))
    typed = data.draw(st.text(alphabet=st.sampled_from("ab:{}[],-\n \"'&*!|>#%@0€\t"), max_size=8))
    text = SMALL[:start] + typed + SMALL[end:]
    try:
        found = read(text)
    except PracticeFileInvalid as error:
        lines = text.count("\n") + 1
        assert error.problems
        assert all(1 <= problem.line <= lines + 1 and problem.column >= 1 for problem in error.problems)
    else:
        assert isinstance(found, PracticeFile)
        assert found.practice.providers


AVAILABILITY = """    hours_from:
      2027-01-04: {mon: ["10:00-12:00"]}
    weeks:
      2026-12-21: {}
    closures: [2026-12-31, {from: 2027-02-01, to: 2027-02-05, name: Conference}]
    paused: true
    buffer_before_minutes: 5
    buffer_after_minutes: 10
    daily_maximum: 12
    split: 2
"""


def with_availability(text: str = AVAILABILITY, practice: str = "") -> str:
    return SMALL.replace("    hours:\n", f"{text}    hours:\n") + practice


def test_availability_has_dated_weeks_overrides_closures_and_bounds() -> None:
    practice = read(
        with_availability(practice="closures: [{from: 2026-12-24, to: 2026-12-26, name: Christmas}]\n")
    ).practice
    found, provider = practice.calendars["osei"].availability, practice.providers["osei"]
    assert found.week_of(date(2026, 12, 14))[0] == (Opening(540, 720), Opening(780, 1020))
    assert found.week_of(date(2027, 1, 6))[0] == (Opening(600, 720),)
    assert found.week_of(date(2026, 12, 23)) == CLOSED_WEEK
    assert found.closures == (
        Closure(date(2026, 12, 31), date(2026, 12, 31)),
        Closure(date(2027, 2, 1), date(2027, 2, 5), "Conference"),
    )
    assert found.paused
    assert (provider.buffer_before_minutes, provider.buffer_after_minutes, provider.daily_maximum) == (5, 10, 12)
    assert practice.availability_of(provider).closure_on(date(2026, 12, 25)) == Closure(
        date(2026, 12, 24), date(2026, 12, 26), "Christmas"
    )


@pytest.mark.parametrize(
    ("was", "written", "words"),
    [
        ("2027-01-04", "2027-01-05", "2027-01-05 is no Monday; its week begins on 2027-01-04"),
        ("2026-12-21", "christmas", "write the date of a Monday"),
        ("2026-12-31,", "2026-02-30,", "no date"),
        ("to: 2027-02-05", "to: 2027-01-05", "ends before it begins (2027-02-01)"),
        ("paused: true", "paused: perhaps", "true or false"),
        ("daily_maximum: 12", "daily_maximum: 0", "from 1 to 200"),
        ("buffer_after_minutes: 10", "buffer_after_minutes: 500", "from 0 to 120"),
    ],
)
def test_what_is_wrong_with_availability_is_said_in_its_line(was: str, written: str, words: str) -> None:
    text = with_availability(AVAILABILITY.replace(was, written))
    found = problems_of(text)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if written in one)
    assert [(problem.line, words in problem.message) for problem in found] == [(line, True)]


def test_a_region_is_one_of_the_country() -> None:
    assert read(SMALL + "region: CA\n").practice.region == "CA"
    (problem,) = problems_of(SMALL + "region: XX\n")
    assert 'no region "XX" of US' in problem.message


def test_limits_can_be_set() -> None:
    assert read(SMALL).practice.limits == Limits(3, 8)
    assert read(SMALL + "limits: {pending_per_person: 1}\n").practice.limits == Limits(1, 8)


def test_the_brake_of_a_source_can_be_set() -> None:
    assert read(SMALL).practice.sources["ehr"].brake == Brake(5, 30)
    text = changed("    credentials:", "    brake: {visits: 20}\n    credentials:")
    assert read(text).practice.sources["ehr"].brake == Brake(20, 30)
    assert "from 0 to 100" in only_problem("    credentials:", "    brake: {percent: 101}\n    credentials:").message


KEYS = """\
    credentials:
      client_id: oneway-harbor
      keys:
        - {private_key: {file: new.pem}}
        - {kms_key: harbor-2025, id: old}
      scope: system/Appointment.read system/Patient.read
      token_url: https://auth.harbor.example/token/
"""


def with_keys(old: str = "", new: str = "") -> str:
    assert not old or KEYS.count(old) == 1, old
    written = KEYS.replace(old, new) if old else KEYS
    return changed("    credentials: {token: {env: HARBOR_TOKEN}}\n", written)


def test_keys_can_sign_in_instead_of_a_token() -> None:
    found = read(with_keys()).credentials["ehr"]
    assert not found.secrets
    assert found.sign_in
    assert found.sign_in.client_id == "oneway-harbor"
    assert found.sign_in.scope == "system/Appointment.read system/Patient.read"
    assert found.sign_in.token_url == "https://auth.harbor.example/token/"  # as it is: it stands in every assertion
    first, second = found.sign_in.keys
    assert first.private_key
    assert (first.private_key.path, first.kms_key, first.id) == ("new.pem", "", "")
    assert (second.private_key, second.kms_key, second.id) == (None, "harbor-2025", "old")
    assert (first.place.line, second.place.line) == (19, 20)


def test_a_sign_in_with_keys_needs_no_more_than_client_and_key() -> None:
    text = changed("{token: {env: HARBOR_TOKEN}}", "{client_id: us, keys: {private_key: {env: HARBOR_KEY}}}")
    assert any("write a list here" in one.message for one in problems_of(text))
    found = read(text.replace("keys: {private_key: {env: HARBOR_KEY}}", "keys: [{private_key: {env: HARBOR_KEY}}]"))
    assert found.credentials["ehr"].sign_in


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("      client_id: oneway-harbor\n", "", 18, 'keys need a "client_id"'),
        ("client_id: oneway-harbor", "client: oneway-harbor", 17, "no such setting"),
        ("client_id: oneway-harbor", "client_id:", 17, "this is empty"),
        ("client_id: oneway-harbor", "client_id: us\n      token: {env: HARBOR_TOKEN}", 17, "not with both"),
        ("{private_key: {file: new.pem}}", "{}", 19, "name one place of the key"),
        ("{private_key: {file: new.pem}}", "{private_key: {env: A}, kms_key: b}", 19, "name one place of the key"),
        ("{file: new.pem}", "{}", 19, "name one place of the secret"),
        ("{file: new.pem}", "{env: -----BEGIN}", 19, "the name of an environment variable"),
        ("{private_key:", "{privat_key:", 19, 'Did you mean "private_key"?'),
        ("kms_key: harbor-2025", "kms_key: alias/harbor", 20, "letters, digits, - and _"),
        ("id: old", "id: an old one", 20, "letters, digits, - and _"),
        ("id: old", "di: old", 20, "no such setting"),
        ("system/Appointment.read system/Patient.read", "'a\"b'", 21, "with spaces between them"),
        ("https://auth", "http://auth", 22, "https://"),
        ("/token/", "/token?a=b", 22, "what follows ?"),
    ],
)
def test_a_mistake_in_a_sign_in_is_told_in_its_line(old: str, new: str, line: int, words: str) -> None:
    found = problems_of(with_keys(old, new))
    assert any(words in one.message for one in found), found
    assert line in {one.line for one in found}, found
    assert not any("BEGIN" in one.message for one in found)


def test_what_belongs_to_keys_needs_them() -> None:
    text = changed("{token: {env: HARBOR_TOKEN}}", "{token: {env: HARBOR_TOKEN}, scope: a}")
    (problem,) = problems_of(text)
    assert "belongs to a sign-in with keys" in problem.message
    text = changed("{token: {env: HARBOR_TOKEN}}", "{client_id: us}")
    (problem,) = problems_of(text)
    assert 'needs "keys" beside it' in problem.message


def test_there_is_a_bound_on_keys() -> None:
    keys = ", ".join(f"{{kms_key: k{number}}}" for number in range(5))
    (problem,) = problems_of(changed("{token: {env: HARBOR_TOKEN}}", f"{{client_id: us, keys: [{keys}]}}"))
    assert "up to 4" in problem.message
    (problem,) = problems_of(changed("{token: {env: HARBOR_TOKEN}}", "{client_id: us, keys: []}"))
    assert "name one key" in problem.message
