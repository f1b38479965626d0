"""When two descriptions of a person agree: everything re-typing does, and nothing that makes another person."""

import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.appointments import NameUse, PersonName
from oneway.domain.people import agreement, agrees, family_name, given_names, normalise_email, normalise_name, same_name
from oneway.domain.requests import Patient

from tests.builders import a_patient, a_record

FIRST = ["Maria", "José", "Zoë", "Anne-Marie", "Renée", "Łukasz", "D'Arcy", "Ngọc", "Ελένη", "Олег", "李娜", "Mary Ann"]
LAST = ["Núñez", "O'Brien-Smith", "Müller", "van der Berg", "Peña y Lillo", "Sørensen", "Παππάς", "Йовчев", "王", "Ng"]
people = st.tuples(st.sampled_from(FIRST), st.sampled_from(LAST), st.dates(date(1900, 1, 1), date(2026, 1, 1)))


def without_accents(text: str) -> str:
    """As somebody types who has no accents on the keyboard; on Latin and Greek letters only."""
    kept: list[str] = []
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character) and kept and unicodedata.name(kept[-1]).startswith(("LATIN", "GREEK")):
            continue
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


retypings = st.sampled_from(
    [
        str.upper,
        str.lower,
        str.title,
        without_accents,
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: f"  {text} ",
        lambda text: text.replace("-", " ").replace("'", ""),
        lambda text: text.replace("'", "’").replace("-", "‐"),
        lambda text: text.replace("'", "´").replace("’", "`"),
        lambda text: text.replace(" ", "  "),
    ]
)


@given(people, st.lists(retypings, max_size=4), st.lists(retypings, max_size=4))
def test_re_typed_names_agree(person: tuple[str, str, date], first: list, last: list) -> None:  # type: ignore[type-arg]
    first_name, last_name, born = person
    typed = a_patient(first_name=first_name, last_name=last_name, birth_date=born)
    for change in first:
        first_name = change(first_name)
    for change in last:
        last_name = change(last_name)
    record = a_record(names=(PersonName((first_name,), last_name),), birth_date=born)
    assert agrees(typed, record)


@given(people, st.integers(0, 40), st.sampled_from("bxzqжπ李7"), st.booleans())
def test_another_letter_is_another_person(person: tuple[str, str, date], at: int, letter: str, of_last: bool) -> None:
    first_name, last_name, born = person
    typed = a_patient(first_name=first_name, last_name=last_name, birth_date=born)
    changed = last_name if of_last else first_name
    other = changed[: at % len(changed)] + letter + changed[at % len(changed) + 1 :]
    assume(normalise_name(other) != normalise_name(changed))
    assume(of_last or normalise_name(other.split()[0] if other.split() else "") != normalise_name(first_name))
    name = PersonName((first_name,), other) if of_last else PersonName((other,), last_name)
    assert not agrees(typed, a_record(names=(name,), birth_date=born))


@given(people, st.integers(-40_000, 40_000))
def test_another_birth_date_is_another_person(person: tuple[str, str, date], days: int) -> None:
    first_name, last_name, born = person
    assume(days)
    typed = a_patient(first_name=first_name, last_name=last_name, birth_date=born)
    assume(date.min + timedelta(days=40_000) < born)
    record = a_record(names=(PersonName((first_name,), last_name),), birth_date=born + timedelta(days=days))
    assert not agrees(typed, record)


@given(st.text(max_size=30), st.text(alphabet="xn-abéüß.。@İ\u0308ς", max_size=20))
def test_normalising_is_idempotent(text: str, address: str) -> None:
    for one in (address, f"a@xn--{address}", f"a@{text}"):
        assert normalise_email(normalise_email(one)) == normalise_email(one)
    assert normalise_name(normalise_name(text)) == normalise_name(text)
    assert normalise_email(normalise_email(text)) == normalise_email(text)


@given(st.text(max_size=20), st.text(max_size=20))
def test_agreement_looks_the_same_from_both_sides(one: str, other: str) -> None:
    there = agreement(a_patient(last_name=one), a_record(names=(PersonName(("Maria",), other),))).last_name
    back = agreement(a_patient(last_name=other), a_record(names=(PersonName(("Maria",), one),))).last_name
    assert there == back


SAME_LAST_NAMES = [
    ("O'Brien", "OBrien"),
    ("O'Brien", "O’BRIEN"),
    ("O'Brien", "OʼBrien"),  # U+02BC, which Unicode counts as a letter
    ("Kaʻahumanu", "Ka'ahumanu"),
    ("O´Brien", "O'Brien"),  # the accent that stands alone on keyboards of half of Europe
    ("О´Коннор", "О'Коннор"),
    ("タ゛ナカ", "ダナカ"),
    ("Smith Jr.", "Smith"),
    ("Smith, Jr", "SMITH JUNIOR"),
    ("Smith Jnr", "Smith Jr."),
    ("Smith II", "Smith 2nd"),
    ("Nunez", "Núñez"),
    ("ＮＵＮＥＺ", "nunez"),
    ("Straße", "STRASSE"),
    ("Kjær", "Kjaer"),
    ("Lebœuf", "Leboeuf"),
    ("Þórsson", "Thorsson"),
    ("Guðmundsson", "Gudmundsson"),
    ("Wałęsa", "Walesa"),
    ("Đỗ", "Do"),
    ("Işık", "IŞIK"),  # upper case and back makes ı an i
    ("Yılmaz", "YILMAZ"),
    ("Van der Berg", "VANDERBERG"),
    ("García-López", "Garcia Lopez"),
    ("Garcia–Lopez", "Garcia-Lopez"),
    ("St. John", "St John"),
    ("Семёнов", "Семенов"),
    ("Παπαδόπουλος", "ΠΑΠΑΔΟΠΟΥΛΟΣ"),
    ("محمّد", "محمد"),
    ("كــريم", "كريم"),
    ("כֹּהֵן", "כהן"),
    ("ﾀﾅｶ", "タナカ"),
    ("葛\U000e0100城", "葛城"),
    ("Smith\u200b", "Smith"),
    ("Dr. Nunez", "Nunez"),
    ("Nunez MD", "Nunez"),
    ("Nunez, Jr., M.D.", "Nunez Jr"),
    ("Smith MD Jr", "Smith Jr"),
    ("Smith MD Jr PhD", "Smith"),
    ("Smith III MD", "Smith, M.D., 3rd"),
    ("Smith M. D.", "Smith"),
    ("Smith M D, Jr", "Smith Jr., Ph. D."),
    ("Smith D. M. D.", "Smith"),
    ("Smith, Dr.", "Dr Smith"),
    ("Smith Jr III", "Smith"),
    ("Smith III Jr MD", "Smith Jr. III"),
    ("Ng M. D.", "Ng"),
    ("Do", "DO"),
    ("Senior", "senior"),
]
OTHER_LAST_NAMES = [
    ("Müller", "Mueller"),
    ("Søren", "Soren"),
    ("Søren", "Soeren"),
    ("Åse", "Aase"),
    ("Йовчев", "Иовчев"),
    ("Їжак", "Іжак"),
    ("Ђорђевић", "Дорђевић"),
    ("タナカ", "ダナカ"),
    ("タナカ", "たなか"),
    ("王", "玉"),
    ("أحمد", "احمد"),
    ("Сох", "Cox"),  # Cyrillic letters that look the same
    ("Smith Jr.", "Smith III"),
    ("Smith Jr.", "Smith Sr."),
    ("Smith II", "Smith Jr"),
    ("Smith MD Jr", "Smith MD Sr"),
    ("Smith Sr MD", "Smith MD Jr"),
    ("Smith Jr Sr", "Smith"),  # one suffix, and the other is a name
    ("Smith Jr III", "Smith Jr"),
    ("Smith Jr III", "Smith III"),
    ("Smith Senior III", "Smith III"),  # a surname
    ("Smith Jr III 2nd", "Smith"),
    ("Smith M.", "Smith"),
    ("Smith D.", "Smith D. M. D. D."),
    ("Md", "D"),
    ("M D", "M"),
    ("Nguyen Ma", "Nguyen"),
    ("タ゛ナカ", "タナカ"),
    ("Smith", "Smyth"),
    ("Smith", "Smiht"),
    ("Garcia", "Garcia Lopez"),
    ("Garcia Lopez", "Lopez Garcia"),
    ("van der Berg", "Berg"),
    ("MacDonald", "McDonald"),
    ("St. John", "Saint John"),
    ("Herr Miller", "Miller"),  # Herr is a surname too
    ("Nguyen Do", "Nguyen"),
    ("Ng", "N"),
    ("O'Brien", "Brien"),
    ("Ivanov", "Ivanova"),
    ("Smith5", "Smith6"),
]


@pytest.mark.parametrize(("typed", "record"), SAME_LAST_NAMES)
def test_one_last_name_in_two_forms(typed: str, record: str) -> None:
    for one, other in ((typed, record), (record, typed)):
        assert agreement(a_patient(last_name=one), a_record(names=(PersonName(("Maria",), other),))).last_name


@pytest.mark.parametrize(("typed", "record"), OTHER_LAST_NAMES)
def test_what_a_person_would_call_another_last_name(typed: str, record: str) -> None:
    for one, other in ((typed, record), (record, typed)):
        assert not agreement(a_patient(last_name=one), a_record(names=(PersonName(("Maria",), other),))).last_name


@pytest.mark.parametrize(
    ("typed", "record", "same"),
    [
        (a_patient(last_name="Nunez Jr"), PersonName(("Maria",), "Nunez", "III"), False),
        (a_patient(last_name="Nunez Jr"), PersonName(("Maria",), "Nunez", "Jr. MD"), True),
        (a_patient(last_name="Nunez Jr"), PersonName(("Maria",), "Nunez", "MD"), True),
        (a_patient(last_name="Nunez III"), PersonName(("Maria",), "Nunez", "V"), False),
        (a_patient(first_name="Maria Jr"), PersonName(("Maria",), "Nunez", "Sr"), False),
        (a_patient(first_name="Maria Jr"), PersonName(("Maria", "Junior"), "Nunez"), True),
        (a_patient(last_name="Nunez Sr"), PersonName(("Maria", "Jr."), "Nunez"), False),
        (a_patient(), PersonName(("Maria",), "Nunez", "Jr"), True),
        (a_patient(first_name="Maria MD Jr"), PersonName(("Maria",), "Nunez", "Sr"), False),
        (a_patient(last_name="Nunez Jr III"), PersonName(("Maria",), "Nunez", "III, Jr."), True),
        (a_patient(last_name="Nunez Jr III"), PersonName(("Maria", "III"), "Nunez", "Jr"), False),
    ],
)
def test_suffixes_count_wherever_they_stand(typed: Patient, record: PersonName, same: bool) -> None:
    assert agrees(typed, a_record(names=(record,))) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (PersonName(("Maria",), "Nunez"), PersonName(("MARIA", "Elena"), "Núñez"), True),
        (PersonName(("Maria",), "Nunez"), PersonName(("Maria",), "Nunez", use=NameUse.OLD), True),
        (PersonName(("Maria",), "Nunez"), PersonName(("Maria",), "Nunez", "Jr"), True),
        (PersonName(("Maria",), "Nunez", "Sr"), PersonName(("Maria",), "Nunez", "Jr"), False),
        (PersonName(("Maria",), "Nunez"), PersonName(("Marta",), "Nunez"), False),
        (PersonName(("Maria",), "Nunez"), PersonName(("Maria",), "Jones"), False),
        (PersonName((), "Nunez"), PersonName((), "NUNEZ"), True),
        (PersonName(("Maria",), ""), PersonName(("Maria",), ""), True),
        (PersonName(("Maria",), ""), PersonName(("Maria",), "Nunez"), False),
    ],
)
def test_two_records_have_the_same_name_whichever_is_looked_at_first(
    one: PersonName, other: PersonName, same: bool
) -> None:
    assert (same_name(one, other), same_name(other, one)) == (same, same)


@pytest.mark.parametrize(
    ("typed", "given_names", "same"),
    [
        ("Maria", ("Maria", "Elena"), True),
        ("Maria Elena", ("Maria", "Elena"), True),
        ("Mariaelena", ("Maria", "Elena"), True),
        ("Elena", ("Maria", "Elena"), False),
        ("Maria E.", ("Maria", "Elena"), False),
        ("Dr. Maria", ("Maria",), True),
        ("Mary", ("Maria",), False),
        ("Maria", ("Dr.", "Maria"), True),
        ("Miss Maria", ("Mrs. Maria Elena",), True),
        ("Don Maria", ("Maria",), False),  # a name that people have
        ("Maria", ("Maria (Mia)",), True),
        ("Mia", ("Maria (Mia)",), False),
        ("Anne", ("Anne-Marie",), False),
        ("Anne Marie", ("Anne-Marie", "Elena"), True),
        ("Mary Ann", ("Mary", "Ann", "Louise"), False),
        ("Bill", ("William",), False),
        ("Will", ("William",), False),
        ("W", ("William",), False),
        ("Jose", ("José",), True),
        ("Josè", ("José",), True),
        ("Marie", ("Maria",), False),
        ("Jon", ("John",), False),
        ("Łukasz", ("LUKASZ",), True),
        ("Ra´anan", ("Ra'anan",), True),
        ("Ra´anan", ("Ra",), False),
        ("Ra", ("Ra´anan",), False),
        ("Ra¨anan", ("Ra", "Anan"), True),
        ("Oleg", ("Олег",), False),
        ("Maria", (), False),
        ("", ("",), False),
        ("Maria MD", ("Maria",), True),
        ("Maria", ("Maria", "M.D."), True),
        ("Maria Elena, Ph. D.", ("Maria", "Elena"), True),
        ("Maria Dra.", ("Maria",), True),
        ("Maria RN Jr", ("Maria",), True),
        ("Maria Jr III", ("Maria",), True),
        ("Maria M. D.", ("Maria",), False),  # initials
        ("Maria M. D.", ("Maria", "M", "D"), True),
        ("Md", ("Md", "Abdul"), True),
        ("Md Abdul", ("Md", "Abdul"), True),
        ("Md Abdul", ("Abdul",), False),
        ("Md", ("Abdul",), False),
        ("Md", ("Md",), True),
        ("Jr", ("Jr",), True),
        ("Jr", ("Sr",), False),
        ("Maria Do", ("Maria",), False),
        ("Maria Ma", ("Maria",), False),
    ],
)
def test_first_names(typed: str, given_names: tuple[str, ...], same: bool) -> None:
    record = a_record(names=(PersonName(given_names, "Núñez"),))
    assert agreement(a_patient(first_name=typed), record).first_name is same


@pytest.mark.parametrize("use", [NameUse.OLD, NameUse.NICKNAME])
def test_old_names_and_nicknames_do_not_count(use: NameUse) -> None:
    now = PersonName(("Maria",), "Quill")
    assert not agrees(a_patient(), a_record(names=(now, PersonName(("Maria",), "Núñez", use=use))))
    assert agrees(a_patient(last_name="Quill"), a_record(names=(now,)))


def test_first_and_last_name_have_to_be_of_one_name() -> None:
    names = (PersonName(("Maria",), "Quill"), PersonName(("Ana",), "Núñez"))
    assert not agrees(a_patient(), a_record(names=names))


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"phones": (), "emails": ("MARIA@Example.org",)}, True),
        ({"phones": ("+14155550000", "+14155552671"), "emails": ()}, True),
        ({"phones": (), "emails": ()}, False),
        ({"phones": (), "emails": ("ma.ria@example.org",)}, False),
        ({"phones": (), "emails": ("maria+visits@example.org",)}, False),
        ({"phones": (), "emails": ("maria@mail.example.org",)}, False),
        ({"phones": (), "emails": ("maria@example.com",)}, False),
        ({"phones": (), "emails": (" Maria@EXAMPLE.org. ",)}, True),
        ({"phones": ("+14155552672",), "emails": ()}, False),
    ],
)
def test_one_contact_has_to_agree(changes: dict[str, tuple[str, ...]], same: bool) -> None:
    assert agrees(a_patient(), a_record(**changes)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("maria@bücher.example", "Maria@xn--bcher-kva.EXAMPLE", True),
        ("maria@BÜCHER.example", "maria@xn--bcher-kva.example", True),
        ("maria@bu\u0308cher.example", "maria@bücher.example", True),
        ("maria@例え。テスト", "maria@xn--r8jz45g.xn--zckzah", True),
        ("josé@example.org", "jose\u0301@EXAMPLE.org", True),
        ("maria@straße.example", "maria@strasse.example", False),  # two domains since IDNA 2008
        ("maria@bucher.example", "maria@bücher.example", False),
        ("maria@xn--abc-.example", "maria@abc.example", False),  # no A-label of anything
        ("josé@example.org", "jose@example.org", False),
        ("maria@example.org", "maría@example.org", False),
        ("m.aria@gmail.com", "maria@gmail.com", False),
        ("maria@gmail.com", "maria@googlemail.com", False),
        ("none", "none", False),  # no address
    ],
)
def test_addresses(one: str, other: str, same: bool) -> None:
    for typed, record in ((one, other), (other, one)):
        found = agreement(a_patient(mobile=None, email=typed), a_record(phones=(), emails=(record,)))
        assert found.contact is same


@given(
    st.lists(
        st.sampled_from(["Maria", "Elena", "Jr.", "Dr.", "", " ", "Ann-Lee", "III", "MD", "Ph.", "D."]), max_size=5
    )
)
def test_entries_of_given_names_may_be_joined(names: list[str]) -> None:
    apart, joined = given_names(tuple(names)), given_names((" ".join(names),))
    assert (apart.whole, apart.suffix) == (joined.whole, joined.suffix)


@pytest.mark.parametrize("accent", "`^´¨¯¸˘˙˚˛˜˝΄᾿῾‾￣")
def test_an_accent_that_stands_alone_is_an_apostrophe(accent: str) -> None:
    assert given_names((f"Ra{accent}anan",)) == given_names(("Ra'anan",))
    assert family_name(f"О{accent}Коннор") == family_name("О'Коннор")
    assert normalise_name(f"О{accent}Коннор") == normalise_name("О'Коннор")


def test_nothing_but_white_space_and_the_comma_parts_words() -> None:
    phrases = "ﷺﷻ"  # Arabic ligatures of several words
    for character in filter(lambda one: not one.isspace() and one not in phrases, map(chr, range(0x80, 0x110000))):
        if " " in unicodedata.normalize("NFKC", character):
            assert len(given_names((f"Ra{character}anan",)).words) == 1, hex(ord(character))


@given(st.permutations(["Jr.", "MD", "PhD"]), st.integers(0, 3), st.sampled_from(LAST))
def test_degrees_and_a_suffix_stand_in_any_order(after: list[str], count: int, last: str) -> None:
    written = " ".join([last, *after[:count]])
    assert family_name(written) == family_name(f"{last} Jr" if "Jr." in after[:count] else last)
    assert given_names((written,)) == given_names((f"{last} Jr" if "Jr." in after[:count] else last,))


AFTER_NAMES = ["MD", "M.D.", "Ph. D.", "PhD", "Esq.", "Dr.", "Mrs", "RN", "Jr.", "III", "2nd", "Snr"]


@given(st.sampled_from(FIRST), st.sampled_from(LAST), st.lists(st.sampled_from(AFTER_NAMES), max_size=4), st.booleans())
def test_what_stands_after_a_name_says_at_most_which_generation(
    first: str, last: str, after: list[str], of_last: bool
) -> None:
    has_suffix = [one for one in after if one in ("Jr.", "III", "2nd", "Snr")]
    assume(len(has_suffix) < 2)
    written = " ".join([last if of_last else first, *after])
    name = PersonName((first,), written) if of_last else PersonName((written,), last)
    typed = a_patient(first_name=first, last_name=last)
    for suffix in ("", "Jr", "III", "II", "Sr"):
        found = agreement(replace(typed, last_name=f"{last} {suffix}"), a_record(names=(name,)))
        same = not suffix or not has_suffix or family_name("X", suffix).suffix == family_name("X", has_suffix[0]).suffix
        assert (found.first_name, found.last_name) == (True, same)


@given(st.lists(st.sampled_from(["Md", "Do", "Ma", "Jr", "Dr", "Rahman", "Ng", "Esq"]), min_size=1, max_size=3))
def test_of_a_name_a_word_is_left(words: list[str]) -> None:
    written = " ".join(words)
    assert given_names((written,)).words
    assert family_name(written).whole
    assert given_names((words[0],)).whole == family_name(words[0]).whole == normalise_name(words[0])


@given(st.permutations([PersonName(("Maria",), "Núñez"), PersonName(("Ana",), "Quill"), PersonName((), "")]))
def test_the_order_of_names_and_contacts_does_not_count(names: list[PersonName]) -> None:
    assert agrees(a_patient(), a_record(names=tuple(names), phones=("+14155550000", "+14155552671")))


@given(st.text(max_size=20), st.text(max_size=20), st.dates(), st.text(max_size=20))
def test_everybody_agrees_with_themselves_and_no_more_than_field_by_field(
    first: str, last: str, born: date, email: str
) -> None:
    typed = a_patient(first_name=first, last_name=last, birth_date=born, email=f"{email}@example.org")
    record = a_record(names=(PersonName((first,), last),), birth_date=born, phones=(), emails=(f"{email}@example.org",))
    assert agrees(typed, record) is all(agreement(typed, record))
    assert agrees(typed, record) is bool(given_names((first,)).whole and family_name(last).whole)


def test_nothing_typed_agrees_with_nothing_recorded() -> None:
    typed = a_patient(mobile=None, email="")
    assert not agrees(typed, a_record(phones=(), emails=("",)))
    assert not agrees(replace(typed, first_name=" "), a_record(names=(PersonName(("",), ""),)))
