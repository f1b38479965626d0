"""What keeps a session, a form and an answer where they belong."""

from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from oneway.colours import contrast, legible_on, readable_on
from oneway.domain.errors import LinkNotFound
from oneway.links import PrivateLinks
from oneway.web import sessions
from oneway.web.answers import json_answer, page_answer, redirect
from oneway.web.cognito import Attempt, Cognito
from oneway.web.form_tokens import FormTokens
from oneway.web.problems import SignInRefused

from tests.builders import NOW, a_request
from tests.fakes.store import FakeStore

URL = "https://book.example"
colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_a_session_is_a_cookie_that_only_our_https_pages_get() -> None:
    store = FakeStore()
    session, cookie = sessions.start_session(store.sessions, "nadia@harbor.example", NOW)
    assert cookie.startswith(f"__Host-session={session.id};")
    for guard in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax"):
        assert guard in cookie
    headers = {"cookie": cookie.partition(";")[0]}
    assert sessions.session_of(store.sessions, headers, NOW) == session
    assert sessions.session_of(store.sessions, headers, NOW + timedelta(hours=11)) is None
    assert sessions.session_of(store.sessions, {"cookie": "__Host-session=guessed"}, NOW) is None
    assert sessions.session_of(store.sessions, {"cookie": "a=b; \x00=;;"}, NOW) is None


@pytest.mark.parametrize(
    ("origin", "token", "ours"),
    [
        (URL, None, True),
        ("", None, True),
        ("null", None, True),
        ("https://elsewhere.example", None, False),
        ("https://book.example.elsewhere.example", None, False),
        (URL, "", False),
        (URL, "guessed", False),
        (URL, "ñ", False),
    ],
)
def test_a_form_is_ours_by_token_and_origin(origin: str, token: str | None, ours: bool) -> None:
    session, _ = sessions.start_session(FakeStore().sessions, "nadia@harbor.example", NOW)
    given_token = session.csrf if token is None else token
    assert sessions.form_is_ours(session, {"origin": origin}, given_token, URL) is ours


def test_answers_are_not_stored_and_let_nothing_in() -> None:
    for answer in (json_answer({}), page_answer("", "n"), redirect("/")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    policy = str(page_answer("", "abc").headers["Content-Security-Policy"])
    assert "default-src 'none'" in policy
    assert "'nonce-abc'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@given(colours, st.sampled_from(["#f5f7f9", "#1a2129", "#ffffff", "#11161c"]))
def test_no_brand_colour_breaks_contrast(colour: str, ground: str) -> None:
    assert contrast(legible_on(colour, ground), ground) >= 4.5
    assert contrast(readable_on(colour), colour) >= 4.5


@given(st.text(max_size=60))
def test_no_text_but_the_link_opens_a_request(text: str) -> None:
    links, request = PrivateLinks(lambda: [b"s" * 32]), a_request()
    with pytest.raises(LinkNotFound):
        if links.request_id(text) == request.id:
            links.check(text, request)
        raise LinkNotFound


def test_a_link_survives_a_rotation_and_not_a_revocation() -> None:
    request = a_request()
    link = PrivateLinks(lambda: [b"old" * 12]).of(request)
    rotated = PrivateLinks(lambda: [b"new" * 12, b"old" * 12])
    rotated.check(link, request)
    with pytest.raises(LinkNotFound):
        PrivateLinks(lambda: [b"new" * 12]).check(link, request)
    with pytest.raises(LinkNotFound):
        rotated.check(link, a_request(link_generation=2))
    with pytest.raises(LinkNotFound):
        rotated.check(link, a_request(practice="pier"))


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"aud": "other"}, False),
        ({"token_use": "access"}, False),
        ({"exp": 1}, False),
        ({"nonce": "other"}, False),
        ({"email_verified": False}, False),
        ({"email": None}, False),
    ],
)
def test_only_a_token_for_us_signs_in(changes: dict[str, object], good: bool) -> None:
    claims = {
        "aud": "client", "token_use": "id", "exp": 2_000_000_000, "nonce": "n", "email_verified": True,
        "email": "Nadia@Harbor.example",
    } | changes  # fmt: skip
    cognito = Cognito("https://sign-in.example", "client", f"{URL}/auth/callback")
    if good:
        assert cognito._email(claims, Attempt("s", "n", "v"), 1_900_000_000) == "nadia@harbor.example"
    else:
        with pytest.raises(SignInRefused):
            cognito._email(claims, Attempt("s", "n", "v"), 1_900_000_000)


def test_each_attempt_to_sign_in_is_new_and_proven() -> None:
    cognito = Cognito("https://sign-in.example", "client", f"{URL}/auth/callback")
    (one, location), (other, _) = cognito.start(), cognito.start()
    assert one != other
    assert "code_challenge_method=S256" in location
    assert one.verifier not in location


def test_a_forms_token_tells_its_age_to_its_practice_alone() -> None:
    tokens = FormTokens(lambda: [b"new" * 12, b"old" * 12])
    token = tokens.new("harbor", NOW)
    assert 22 <= len(token) <= 200, "it is an idempotency key as well"
    assert tokens.new("harbor", NOW) != token
    assert tokens.age("harbor", token, NOW + timedelta(minutes=5)) == timedelta(minutes=5)
    assert tokens.age("pier", token, NOW) is None
    before = FormTokens(lambda: [b"old" * 12]).new("harbor", NOW)
    assert tokens.age("harbor", before, NOW) == timedelta(), "a rotation breaks no open page"
    assert FormTokens(lambda: [b"other" * 8]).age("harbor", token, NOW) is None


@given(st.text(max_size=60) | st.binary(max_size=45).map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_no_text_is_a_forms_token(text: str) -> None:
    assert FormTokens(lambda: [b"s" * 32]).age("harbor", text, NOW) is None


TOKEN = FormTokens(lambda: [b"s" * 32]).new("harbor", NOW)


@given(st.integers(0, len(TOKEN)), st.integers(0, 3), st.text(max_size=4))
@example(5, 0, ".")
@example(48, 0, "=")
@example(48, 0, "\n")
def test_no_altered_token_is_a_forms_token(place: int, fewer: int, more: str) -> None:
    """Each would be an idempotency key of its own, of a form that was shown once."""
    altered = TOKEN[:place] + more + TOKEN[place + fewer :]
    assume(altered != TOKEN)
    assert FormTokens(lambda: [b"s" * 32]).age("harbor", altered, NOW) is None


def test_the_other_alphabet_of_base64_is_not_ours() -> None:
    tokens = FormTokens(lambda: [b"s" * 32])
    token = next(one for one in iter(lambda: tokens.new("harbor", NOW), "") if "-" in one or "_" in one)
    assert tokens.age("harbor", token.replace("-", "+").replace("_", "/"), NOW) is None
