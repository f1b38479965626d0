"""Addresses that the mail service takes, and how it is given them."""

import re

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oneway.domain.addresses import AddressFault, as_sent, fault_in
from oneway.domain.people import normalise_email
from oneway.domain.suppression import mark_of

WELL = [
    "maria@example.org",
    "Maria.Nunez+clinic@Mail.Example.ORG",
    "o'brien_1%x@sub-domain.example.co.uk",
    "a@b.museum",
    "1@2.example",
    "x" * 64 + "@example.org",
    "maria@müller.example",
    "maria@xn--mller-kva.example",
    "maria@straße.de",
    "maria@ΒΌΛΟΣ.gr",
    "maria@例え.テスト",
    "maria@例え。テスト",
    "maria@उदाहरण.परीक्षा",
    "maria@col·legi.cat",
]
NONE = [
    "",
    "@",
    "maria",
    "maria@",
    "@example.org",
    "a..b@example.org",
    ".a@example.org",
    "a.@example.org",
    "a:b@example.org",
    "a;b@example.org",
    "a,b@example.org",
    "a b@example.org",
    "a\tb@example.org",
    "a\nb@example.org",
    "a@example.org\n",
    "a@b@example.org",
    '"a b"@example.org',
    "a(b)@example.org",
    "<a@example.org>",
    "a\\b@example.org",
    "a[b]@example.org",
    "maria@example",
    "maria@example.",
    "maria@example.org.",
    "maria@.example.org",
    "maria@exa..mple.org",
    "maria@-example.org",
    "maria@example-.org",
    "maria@exam_ple.org",
    "maria@10.0.0.1",
    "maria@[10.0.0.1]",
    "maria@example.123",
    "maria@mü ller.example",
    "maria@-müller.example",
    "maria@mü\u202eller.example",
    "maria@mü\u200bller.example",
    "maria@☃.example",
    "maria@" + "x" * 64 + ".example",
    "maria@" + "ü" * 60 + ".example",
    "maria@" + ".".join(["example"] * 33),
    "x" * 65 + "@example.org",
    "x" * 60 + "@" + ".".join(["x" * 50] * 4),
    "jos\u202ee@example.org",
    "jos☃@example.org",
    "é..b@example.org",
    "josé@",
]


@pytest.mark.parametrize("address", WELL)
def test_can_be_written_to(address: str) -> None:
    assert fault_in(address) is None
    sent = as_sent(address)
    assert sent.isascii()
    assert fault_in(sent) is None
    assert as_sent(sent) == sent
    assert normalise_email(sent) == normalise_email(address)


@pytest.mark.parametrize("address", NONE)
def test_is_none(address: str) -> None:
    assert fault_in(address) is AddressFault.NO_ADDRESS
    as_sent(address)


@pytest.mark.parametrize(
    "address", ["josé@example.org", "jose\u0301@example.org", "мария@müller.example", "用户.a@例え.テスト"]
)
def test_before_the_at_the_mail_service_takes_no_letters_beyond_ascii(address: str) -> None:
    assert fault_in(address) is AddressFault.LETTERS


@pytest.mark.parametrize("address", [one for one in WELL if not one.isascii()])
def test_names_are_written_as_the_standard_s_own_library_does(address: str) -> None:
    """RFC 5891, with UTS 46 before it, as browsers do."""
    assert as_sent(address) == "maria@" + idna.encode(address.partition("@")[2], uts46=True).decode()


LETTERS = st.characters(categories=("Ll", "Lu", "Lo", "Nd"), codec="utf-8")


@given(st.text(LETTERS, min_size=1, max_size=8))
def test_no_other_address_is_written_to_than_the_library_would(name: str) -> None:
    address = f"maria@{name}.example"
    if fault_in(address) is None:
        try:
            theirs = idna.encode(address.partition("@")[2], uts46=True).decode()
        except idna.IDNAError:
            return  # no registry has it
        assert as_sent(address).lower() == f"maria@{theirs}"


@given(st.text(max_size=40))
def test_what_can_be_written_to_is_plain_and_whatever_is_typed_breaks_nothing(text: str) -> None:
    for address in (text, f"{text}@example.org", f"maria@{text}"):
        sent = as_sent(address)
        if fault_in(address) is None:
            assert re.fullmatch(r"[!-~]+@[A-Za-z0-9.-]+", sent)
            assert not set(sent) & set('()<>[]:;\\,"')


def test_what_comes_back_of_an_address_is_of_the_one_that_was_typed() -> None:
    assert mark_of("harbor", "Maria@müller.example") == mark_of("harbor", "maria@xn--mller-kva.example")
