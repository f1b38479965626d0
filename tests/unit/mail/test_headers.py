"""Subjects and senders' names with letters beyond ASCII, as readers read them that have nothing to do with each other."""

import re
from base64 import b64decode
from email import message_from_bytes
from email.header import decode_header, make_header
from quopri import decodestring

import pytest
from oneway.domain.messages import MessageKind
from oneway.languages import LANGUAGES

from tests.builders import a_request

from .test_messages import SENDER, a_composed, written

NAMES = {
    "plain": "Harbor Clinic",
    "accents": "Clínica Oftalmológica Nuestra Señora de la Asunción y Núñez",
    "nothing_else": "Ü" * 90,
    "wide": "眼科😀" * 12,
}


def by_the_letter(text: str) -> str:
    """A header's text by the letter of RFC 2047: each word for itself, white space between two of them is none."""
    unfolded = re.sub(r"\n(?=[ \t])", "", text)
    joined = re.sub(r"(\?=)[ \t]+(=\?)", r"\1\2", unfolded)

    def read(word: re.Match[str]) -> str:
        charset, encoding, letters = word.groups()
        raw = b64decode(letters) if encoding in "bB" else decodestring(letters.replace("_", " ").encode())
        return raw.decode(charset)

    return re.sub(r"=\?([^? ]+)\?([bBqQ])\?([^? ]*)\?=", read, joined)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MessageKind)
def test_every_reader_reads_the_same(kind: MessageKind, language: str, name: str) -> None:
    raw = written(kind, a_request(language=language), language=language, name=name)
    head = raw.partition(b"\n\n")[0].decode("ascii")
    for line in head.splitlines():
        words = re.findall(r"=\?[^? ]+\?[bBqQ]\?[^? ]*\?=", line)
        assert all(len(word) <= 75 for word in words), "RFC 2047, section 2"
        assert len(line) <= (76 if words else 250)
    headers = dict(re.findall(r"^([\w-]+): (.*(?:\n[ \t].*)*)", head, re.M))
    parsed = a_composed(kind, a_request(language=language), language=language, name=name)
    old = message_from_bytes(raw)
    assert kind.to_staff or parsed["Subject"].startswith(name)
    assert by_the_letter(headers["Subject"]) == str(make_header(decode_header(old["Subject"]))) == parsed["Subject"]
    # Python 3.11 keeps the white space between two words of a name, which RFC 2047 has readers drop.
    assert "".join(parsed["From"].addresses[0].display_name.split()) == "".join(name.split())
    assert by_the_letter(headers["From"]) == str(make_header(decode_header(old["From"]))) == f"{name} <{SENDER}>"


def test_a_plain_subject_stands_on_its_line() -> None:
    line = b"Subject: Harbor Clinic: we received your request (not confirmed yet)\n"
    assert line in written(MessageKind.RECEIVED_PATIENT)
