"""From a link to sign-in and back: each tab has an attempt of its own, and only what belongs together signs in."""

import base64
import hashlib
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from oneway.web.cognito import Attempt, Cognito
from oneway.web.sessions import SIGN_INS_AT_ONCE

from tests.desk import NADIA
from tests.portal import Answer, PortalDesk

LIST = "/portal/harbor/appointments"
REFUSED, WENT_ON = 403, 303


class Browser:
    """Keeps the cookies of one person, and signs in at a stand-in that answers with the state it was given."""

    def __init__(self, desk: PortalDesk) -> None:
        self.desk = desk
        self.cookies: dict[str, str] = {}

    def open(self, path: str) -> Answer:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.desk.open(path, None, {"Cookie": kept} if kept else {})
        for one in answer.cookies:
            name, _, value = one.partition(";")[0].partition("=")
            self.cookies.pop(name, None)
            if "Max-Age=0" not in one:
                self.cookies[name] = value
        return answer

    def begin(self, path: str) -> dict[str, str]:
        """What the hosted page is asked with."""
        there = self.open(self.open(path).headers["Location"].removeprefix(self.desk.public_url)).headers["Location"]
        assert there.startswith("https://sign-in.example/oauth2/authorize?")
        return {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}

    def finish(self, asked: dict[str, str], code: str = "good") -> Answer:
        return self.open(f"/auth/callback?code={code}&state={quote(asked['state'])}")

    @property
    def begun(self) -> list[str]:
        return [name for name in self.cookies if name.startswith("__Host-signing-in-")]


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[Attempt]:
    """The attempts that were brought to the token endpoint."""
    brought: list[Attempt] = []

    def email_of(_: Cognito, code: str, attempt: Attempt, now: float) -> str:
        brought.append(attempt)
        return NADIA

    monkeypatch.setattr(Cognito, "email_of", email_of)
    return brought


@pytest.fixture
def browser(desk: PortalDesk, attempts: list[Attempt]) -> Browser:
    return Browser(desk)


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_links_opened_without_a_session_each_leads_to_its_own_page(
    browser: Browser, attempts: list[Attempt], first: int
) -> None:
    links = [f"{LIST}?state=booked", "/portal/harbor/calendar?provider=osei"]
    tabs = [browser.begin(link) for link in links]

    for tab in (first, 1 - first):
        answer = browser.finish(tabs[tab])

        assert (answer.status, answer.headers["Location"]) == (WENT_ON, links[tab])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempts[-1].verifier.encode()).digest()).rstrip(b"=")
        assert challenge.decode() == tabs[tab]["code_challenge"]
        assert (attempts[-1].state, attempts[-1].nonce) == (tabs[tab]["state"], tabs[tab]["nonce"])
    assert browser.begun == []


def test_an_attempt_that_is_over_or_another_browser_s_signs_nobody_in(
    browser: Browser, desk: PortalDesk, attempts: list[Attempt]
) -> None:
    asked = browser.begin(LIST)
    victim = Browser(desk)
    victim.begin(LIST)

    assert victim.finish(asked).status == REFUSED
    assert victim.finish(asked | {"state": ""}).status == REFUSED
    assert browser.finish(asked, code="").status == REFUSED
    assert browser.finish(asked).status == WENT_ON
    assert browser.finish(asked).status == REFUSED
    assert len(attempts) == 1


def test_a_cookie_that_goes_by_another_attempt_s_name_signs_nobody_in(
    browser: Browser, attempts: list[Attempt]
) -> None:
    mine, other = browser.begin(LIST), browser.begin(LIST)
    names = browser.begun
    browser.cookies[names[0]], browser.cookies[names[1]] = browser.cookies[names[1]], browser.cookies[names[0]]

    assert [browser.finish(asked).status for asked in (mine, other)] == [REFUSED, REFUSED]
    assert attempts == []


def test_of_many_attempts_the_oldest_go_in_whatever_order_the_browser_keeps_them(
    browser: Browser, desk: PortalDesk
) -> None:
    tabs = []
    for _ in range(SIGN_INS_AT_ONCE + 2):
        tabs.append(browser.begin(LIST))
        desk.clock.advance(seconds=1)
        browser.cookies = dict(reversed(browser.cookies.items()))

    assert len(browser.begun) == SIGN_INS_AT_ONCE
    assert [browser.finish(tab).status for tab in tabs] == [REFUSED] * 2 + [WENT_ON] * SIGN_INS_AT_ONCE


@pytest.mark.parametrize("length", [900, 5000])
def test_what_sign_ins_keep_fits_into_what_the_gateway_takes_of_headers(browser: Browser, length: int) -> None:
    longest = f"{LIST}?text={'x' * length}"
    for _ in range(SIGN_INS_AT_ONCE):
        browser.open(f"/auth/sign-in?to={quote(longest, safe='')}")

    assert sum(len(name) + len(value) + 3 for name, value in browser.cookies.items()) < 6000


@pytest.mark.parametrize("odd", ['consent={"ads": false}', "x[0]=1", "flag", "_x=a b", 'a="b', "n=ñ", "=", ""])
@pytest.mark.parametrize("first", [True, False])
def test_cookies_of_the_domain_above_are_passed_over(desk: PortalDesk, odd: str, first: bool) -> None:
    ours = f"__Host-session={desk.session().id}; __Host-language=es"
    answer = desk.open(LIST, None, {"Cookie": f"{odd}; {ours}" if first else f"{ours}; {odd}"})
    assert answer.status == 200
    assert '<html lang="es"' in answer.html
