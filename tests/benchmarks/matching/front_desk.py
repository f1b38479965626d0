"""How front desks re-type what patients typed: made-up people, their families, and entries of them. Imports nothing of ours.

Two strengths. *Re-typed* entries say the same in another form: case, accents, punctuation, formats of phones, a middle name, a
suffix left out, one contact of two. *Mistyped* ones differ in at least one identifier as well, by kinds of error in the
proportions of Just et al. 2016 (https://pmc.ncbi.nlm.nih.gov/articles/PMC4832129: of differing first names 53 % are misspelled,
of last names 34 %; the rest are nicknames, swaps, other and former names, split here by judgement). A misspelling is one letter
replaced, missing, added or transposed (F. J. Damerau, "A technique for computer detection and correction of spelling errors",
1964). How often a field differs at all is not in that study, whose pairs are all of differing records: `RATES` are assumptions.
"""

import random
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

RATES = {"first": 0.05, "last": 0.05, "birth": 0.04, "phone": 0.06, "email": 0.04}
"""How often a field of a mistyped entry differs, before the entries without any difference are drawn again."""

_SOME_FIRST_NAMES = """
    mary james robert patricia john jennifer michael linda david elizabeth william barbara richard susan
    joseph jessica thomas sarah charles karen christopher lisa daniel nancy matthew betty anthony sandra mark
    margaret donald ashley steven kimberly paul emily andrew donna joshua michelle kenneth carol kevin amanda
    brian melissa george deborah timothy stephanie ronald rebecca edward laura jason helen jeffrey sharon ryan
    cynthia jacob kathleen gary amy nicholas angela eric anna jonathan ruth stephen brenda larry pamela justin
    nicole scott katherine brandon virginia benjamin catherine samuel christine gregory debra alexander rachel
    patrick janet frank maria raymond heather jack diane josé maría juan luis carlos jesús sofía andrés lucía
    joaquín inés ramón guadalupe françois zoë renée chloë björn jürgen søren łukasz agnieszka ngọc thị d'andre
    anne-marie jean-luc mary-ann wei mei fatima mohammed aisha olga dmitri priya arjun yuki haruto siobhán
    seán
"""
_FIRST = _SOME_FIRST_NAMES.split()
_SOME_LAST_NAMES = """
    smith johnson williams brown jones garcía miller davis rodríguez martínez hernández lopez gonzalez wilson
    anderson thomas taylor moore jackson martin lee pérez thompson white harris sanchez clark ramírez lewis
    robinson walker young allen king wright scott torres nguyen hill flores green adams nelson baker hall
    rivera campbell mitchell carter roberts gómez phillips evans turner díaz parker cruz edwards collins reyes
    stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey reed kelly howard
    ramos kim cox ward richardson watson brooks chavez wood james bennett gray mendoza ruiz hughes price
    alvarez castillo sanders patel myers long ross foster jimenez o'brien o'connor d'angelo mcdonald macleod
    van-der-berg de-la-cruz núñez peña muñoz ibáñez smith-jones garcia-lopez müller schröder weiß strauß
    sørensen jørgensen åkesson björk wałęsa kowalski dvořák novák nakamura tanaka wang zhang chen singh kaur
    khan ali hussain ivanov petrov papadopoulos yılmaz şahin costa silva ferreira gonçalves rossi ricci
    bianchi dubois lefèvre benoît st.-john fitzgerald abernathy bartholomew castellanos dominguez ellsworth
    farnsworth goldstein hutchinson iverson jankowski kaczmarek lindqvist montgomery nightingale oppenheimer
    pemberton quintanilla rosenberg steinmetz thornbury underwood vandermeer wainwright yarborough zimmermann
"""
_LAST = _SOME_LAST_NAMES.split()
_NICKNAMES = {
    "william": "bill", "robert": "bob", "elizabeth": "liz", "margaret": "peggy", "james": "jim", "richard": "rick",
    "katherine": "kate", "catherine": "cathy", "joseph": "joe", "thomas": "tom", "michael": "mike", "jennifer": "jen",
    "christopher": "chris", "daniel": "dan", "matthew": "matt", "anthony": "tony", "steven": "steve", "andrew": "andy",
    "edward": "ted", "patricia": "pat", "susan": "sue", "barbara": "barb", "deborah": "debbie", "samuel": "sam",
    "benjamin": "ben", "nicholas": "nick", "josé": "pepe", "guadalupe": "lupe", "timothy": "tim", "jeffrey": "jeff",
    "alexander": "alex", "gregory": "greg", "kenneth": "ken", "rebecca": "becky", "pamela": "pam", "ronald": "ron",
}  # fmt: skip
_DOMAINS = ("gmail.com", "yahoo.com", "icloud.com", "example.org", "outlook.com")
_KEYS = dict(zip("abcdefghijklmnopqrstuvwxyz", "snvfrdgyjkiloknmpwtdybvesza"[:26], strict=True))
"""A neighbour of each letter on the keyboard."""


@dataclass(frozen=True)
class Person:
    """A made-up person as they type themselves: the birth date in ISO form, ten digits of a phone."""

    number: int
    family: int
    first: str
    last: str
    suffix: str
    middle: str
    born: str
    phone: str
    email: str


@dataclass(frozen=True)
class Entry:
    """What a front desk entered: given names in order, everything else as text ("" where left out)."""

    given: tuple[str, ...]
    last: str
    suffix: str
    born: str
    phones: tuple[str, ...]
    emails: tuple[str, ...]


def people(count: int, dice: random.Random) -> list[Person]:
    """So many people, a third of them with a family: spouses, parents and children, Jr. and Sr., brothers and sisters, twins."""
    found: list[Person] = []
    family = 0
    while len(found) < count:
        family += 1
        found += _family(len(found), family, dice)
    return found[:count]


def retyped(person: Person, dice: random.Random) -> Entry:
    """The same in another form."""
    phone, email = (person.phone,), (person.email,)
    if dice.random() < 0.4:
        phone, email = dice.choice((((), email), (phone, ())))
    first, last = _form(person.first, dice), _form(person.last, dice)
    if dice.random() < 0.02:
        first = f"{dice.choice(('Mr.', 'Mrs.', 'Dr', 'MS'))} {first}"
    middle = _form(person.middle, dice) if dice.random() < 0.4 else ""
    joined = middle and dice.random() < 0.5
    given = (f"{first} {middle}",) if joined else (first, middle) if middle else (first,)
    suffix = person.suffix if dice.random() < 0.6 else ""
    if suffix and dice.random() < 0.5:
        last, suffix = f"{last}{dice.choice((' ', ', '))}{dice.choice((suffix, suffix.upper(), suffix + '.'))}", ""
    others = (f"{dice.randrange(200, 999)}{dice.randrange(2, 9)}55{dice.randrange(10**4):04d}",)
    phones = (*phone, *(others if dice.random() < 0.3 else ()))
    return Entry(
        given,
        last,
        suffix,
        person.born,
        tuple(_phone(one, dice) for one in phones),
        tuple(_case(one, dice) for one in email),
    )


def mistyped(person: Person, dice: random.Random) -> Entry:
    """Another form, and at least one identifier that differs."""
    while True:
        wrong = {field for field, rate in RATES.items() if dice.random() < rate}
        if not wrong:
            continue
        changed = person
        if "first" in wrong:
            changed = _wrong_first(changed, dice)
        if "last" in wrong:
            changed = _wrong_last(changed, dice)
        if "birth" in wrong:
            changed = replace(changed, born=_wrong_birth(changed.born, dice))
        if "phone" in wrong:
            changed = replace(changed, phone=_wrong_phone(changed.phone, dice))
        if "email" in wrong:
            changed = replace(changed, email=_wrong_email(changed.email, dice))
        if changed != person:
            return retyped(changed, dice)


def _family(number: int, family: int, dice: random.Random) -> Iterator[Person]:
    one = _person(number, family, dice)
    if dice.random() >= 0.25:
        yield one
        return
    kind = dice.choices(("spouse", "child", "junior", "sibling", "twin"), (30, 35, 10, 15, 10))[0]
    other = _person(number + 1, family, dice)
    born = date.fromisoformat(one.born)
    years = {"child": 29, "junior": 29, "sibling": 3, "spouse": 2, "twin": 0}[kind]
    days = 0 if kind == "twin" else dice.randrange(years * 300, years * 420) + 1
    other = replace(other, last=one.last if kind != "spouse" or dice.random() < 0.7 else other.last)
    later = born + timedelta(days=days)
    other = replace(other, born=(later if later < date(2026, 6, 1) else born - timedelta(days=days)).isoformat())
    while other.first == one.first:
        other = replace(other, first=_drawn(_FIRST, dice).title())
    if kind == "junior":
        one = replace(one, suffix=dice.choice(("Sr", "Sr", "")))
        other = replace(other, first=one.first, suffix=dice.choice(("Jr", "Jr", "II", "")))
    if dice.random() < (0.5 if kind == "spouse" else 0.8):
        other = replace(other, phone=one.phone)
    if dice.random() < (0.3 if kind == "spouse" else 0.7):
        other = replace(other, email=one.email)
    yield from (one, other)


def _person(number: int, family: int, dice: random.Random) -> Person:
    first, last = _drawn(_FIRST, dice), _drawn(_LAST, dice)
    if dice.random() < 0.08:
        last = f"{last}{dice.choice('- ')}{_drawn(_LAST, dice)}"
    first, last = first.title(), _titled(last)
    born = date(1935, 1, 1) + timedelta(days=dice.randrange(90 * 365))
    phone = f"{dice.choice((415, 510, 650, 212, 617, 312))}{dice.randrange(2, 9)}{dice.randrange(10**6):06d}"
    plain = _plain(first + dice.choice((".", "", "_")) + last).lower().replace(" ", "").replace("'", "")
    email = f"{plain}{dice.choice(('', str(dice.randrange(100))))}@{dice.choice(_DOMAINS)}"
    middle = _drawn(_FIRST, dice).title() if dice.random() < 0.6 else ""
    return Person(number, family, first, last, dice.choice(("Jr", "III")) if dice.random() < 0.02 else "", middle,
                  born.isoformat(), phone, email)  # fmt: skip


def _drawn(names: list[str], dice: random.Random) -> str:
    """A name, some of which are common and most are not."""
    return names[min(int(len(names) * dice.random() ** 1.6), len(names) - 1)]


def _titled(name: str) -> str:
    return name.replace("van-der-", "van der ").replace("de-la-", "de la ").title().replace("Mcd", "McD")


def _form(name: str, dice: random.Random) -> str:
    """A name in another form: case, accents, apostrophes, hyphens, spaces."""
    if dice.random() < 0.6:
        name = _plain(name)
    if dice.random() < 0.5:
        name = name.replace("'", dice.choice(("’", "", " ", "ʼ", "`")))
    if dice.random() < 0.5:
        name = name.replace("-", dice.choice((" ", "", "‐", "–")))
    if dice.random() < 0.2:
        name = unicodedata.normalize("NFD", name)
    if dice.random() < 0.05:
        name = f" {name}  "
    return _case(name, dice)


def _case(text: str, dice: random.Random) -> str:
    return dice.choices((text, text.upper(), text.lower()), (55, 35, 10))[0]


def _plain(text: str) -> str:
    """As typed without accents; the letters that have one plain spelling too. Not ø, which has two."""
    spelled = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ı": "i"})
    return "".join(c for c in unicodedata.normalize("NFD", text.translate(spelled)) if not unicodedata.combining(c))


def _phone(digits: str, dice: random.Random) -> str:
    area, office, line = digits[:3], digits[3:6], digits[6:]
    return dice.choice((
        digits, f"({area}) {office}-{line}", f"{area}-{office}-{line}", f"{area}.{office}.{line}", f"+1 {area} {office} {line}",
        f"1-{area}-{office}-{line}", f"+1{digits}", f"{area} {office} {line}", f"({area}){office}{line}",
        f"tel:+1-{area}-{office}-{line}", f"{area}/{office}-{line}", f"001 {area} {office} {line}",
    ))  # fmt: skip


def _typo(word: str, dice: random.Random) -> str:
    at = dice.randrange(len(word))
    letter = word[at].lower()
    changes: tuple[Callable[[], str], ...] = (
        lambda: word[:at] + _KEYS.get(letter, "e") + word[at + 1 :],
        lambda: word[:at] + word[at + 1 :],
        lambda: word[:at] + letter + word[at:],
        lambda: word[:at] + word[at + 1 : at + 2] + letter + word[at + 2 :],
    )
    return dice.choice(changes)()


def _wrong_first(person: Person, dice: random.Random) -> Person:
    kind = dice.choices(("typo", "nickname", "swap", "initial", "middle", "short"), (53, 22, 10, 4, 6, 5))[0]
    if kind == "nickname" and (short := _NICKNAMES.get(person.first.lower())):
        return replace(person, first=short.title())
    if kind == "swap":
        return replace(person, first=person.last, last=person.first)
    if kind == "initial":
        return replace(person, first=person.first[0])
    if kind == "middle" and person.middle:
        return replace(person, first=person.middle, middle=person.first)
    if kind == "short" and len(person.first) > 5:
        return replace(person, first=person.first[:5])
    return replace(person, first=_typo(person.first, dice))


def _wrong_last(person: Person, dice: random.Random) -> Person:
    kind = dice.choices(("typo", "part", "more", "other", "short"), (34, 22, 16, 23, 5))[0]
    parts = person.last.replace("-", " ").split()
    if kind == "part" and len(parts) > 1:
        return replace(person, last=dice.choice(parts))
    if kind == "more":
        return replace(person, last=f"{person.last}-{_titled(_drawn(_LAST, dice))}")
    if kind == "other":
        return replace(person, last=_titled(_drawn(_LAST, dice)))
    if kind == "short" and len(person.last) > 8:
        return replace(person, last=person.last[:8])
    return replace(person, last=_typo(person.last, dice))


def _wrong_birth(born: str, dice: random.Random) -> str:
    """Day and month swapped, a digit, neighbours transposed, a year off; always a date."""
    year, month, day = map(int, born.split("-"))
    digits = born.replace("-", "")
    while True:
        kind = dice.choices(("swap", "digit", "transposed", "year"), (25, 40, 20, 15))[0]
        at = dice.randrange(2, 8)
        wrong = digits
        if kind == "swap":
            wrong = f"{year:04d}{day:02d}{month:02d}"
        elif kind == "digit":
            wrong = digits[:at] + str(dice.randrange(10)) + digits[at + 1 :]
        elif kind == "transposed" and at < 7:
            wrong = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
        elif kind == "year":
            wrong = f"{year + dice.choice((-1, 1, -10, 10)):04d}{digits[4:]}"
        try:
            found = date(int(wrong[:4]), int(wrong[4:6]), int(wrong[6:]))
        except ValueError:
            continue
        if found.isoformat() != born and found < date(2026, 11, 1):
            return found.isoformat()


def _wrong_phone(digits: str, dice: random.Random) -> str:
    at = dice.randrange(4, 10)
    if dice.random() < 0.4:
        return digits[:at] + str((int(digits[at]) + dice.randrange(1, 9)) % 10) + digits[at + 1 :]
    return f"{dice.choice((415, 510, 212))}{dice.randrange(2, 9)}{dice.randrange(10**6):06d}"


def _wrong_email(email: str, dice: random.Random) -> str:
    local, _, domain = email.partition("@")
    return dice.choice((
        f"{_typo(local, dice) or 'x'}@{domain}", f"{local}@{dice.choice(_DOMAINS)}", f"{local.replace('.', '')}@{domain}",
        f"{local}{dice.randrange(10)}@{domain}", f"office{dice.randrange(1000)}@{domain}",
    ))  # fmt: skip
