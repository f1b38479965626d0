"""`oneway messages` and `oneway doctor`, without AWS: what they write, and what they make of what SES and the DNS say."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from oneway.domain.errors import LinkNotFound
from oneway.domain.messages import MessageKind, Why
from oneway.domain.suppression import Suppression, mark_of, missed_mark_of
from oneway.languages import LANGUAGES
from oneway.mail import ses_events
from rich.console import Console

from cli import dead_letters, doctor, messages
from cli.doctor import DnsUnavailable, Finding, How
from cli.logo import read_logo
from cli.practice_file import read
from cli.samples import samples
from cli.terminal import Failure
from local.laptop import PRACTICE_FILE
from tests.builders import NOW, a_practice
from tests.desk import CONFIRMED, Desk
from tests.fakes.store import FakeStore
from tests.ses_events import an_event

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
HEALTHY = {
    "ProductionAccessEnabled": True,
    "SendingEnabled": True,
    "EnforcementStatus": "HEALTHY",
    "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 120.0},
}
SIGNED = {
    "VerifiedForSendingStatus": True,
    "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS", "Tokens": ["one", "two"]},
    "MailFromAttributes": {"MailFromDomain": "mail.oneway.example", "MailFromDomainStatus": "SUCCESS"},
}


REPORTED = ["SEND", "DELIVERY", "DELIVERY_DELAY", "BOUNCE", "COMPLAINT", "REJECT"]


class FakeDns:
    """Records by name; `down` gives no answer."""

    def __init__(self, *, down: bool = False, **changes: Any) -> None:
        self._down = down
        self._texts = {
            "mail.oneway.example": ["v=spf1 include:amazonses.com ~all"],
            "_dmarc.oneway.example": ["v=DMARC1; p=quarantine"],
        } | changes.get("texts", {})
        self._aliases = {
            f"{one}._domainkey.oneway.example": [f"{one}.dkim.amazonses.com"] for one in ("one", "two")
        } | changes.get("aliases", {})
        self._exchangers = {"mail.oneway.example": ["feedback-smtp.us-east-1.amazonses.com"]} | changes.get(
            "exchangers", {}
        )

    def texts(self, name: str) -> Sequence[str]:
        return self._of(self._texts, name)

    def aliases(self, name: str) -> Sequence[str]:
        return self._of(self._aliases, name)

    def exchangers(self, name: str) -> Sequence[str]:
        return self._of(self._exchangers, name)

    def _of(self, records: dict[str, list[str]], name: str) -> Sequence[str]:
        if self._down:
            raise DnsUnavailable
        return records.get(name, [])


def hows(found: list[Finding]) -> set[How]:
    return {one.how for one in found}


class TestDoctor:
    def test_where_all_is_well_nothing_is_advised(self) -> None:
        found = [
            *doctor.of_account(HEALTHY),
            doctor.of_rate(HEALTHY, 14),
            *doctor.of_sender("appointments@oneway.example", SIGNED, None, HEALTHY),
            *doctor.of_reports([{"Enabled": True, "MatchingEventTypes": REPORTED}]),
            *doctor.of_dns("oneway.example", SIGNED, FakeDns(), "us-east-1"),
        ]
        assert hows(found) == {How.WELL}
        assert not any(one.advice for one in found)
        for word in ("Sandbox", "Quota", "Rate", "Sender", "DKIM", "Reports", "Tracking", "MAIL FROM", "SPF", "DMARC"):
            assert any(one.what.startswith(word) for one in found), word

    @pytest.mark.parametrize(
        ("account", "how", "word"),
        [
            ({"ProductionAccessEnabled": False}, How.WRONG, "production access"),
            ({"EnforcementStatus": "PROBATION"}, How.BETTER, "case"),
            ({"EnforcementStatus": "SHUTDOWN"}, How.WRONG, "case"),
            ({"SendingEnabled": False}, How.WRONG, "says why"),
            (
                {"SendQuota": {"Max24HourSend": 200, "MaxSendRate": 1, "SentLast24Hours": 199}},
                How.BETTER,
                "Service Quotas",
            ),
            ({"SendQuota": {"Max24HourSend": 200, "MaxSendRate": 1, "SentLast24Hours": 200}}, How.WRONG, "Used up"),
        ],
    )
    def test_an_account_that_may_not(self, account: dict[str, Any], how: How, word: str) -> None:
        (found,) = [one for one in doctor.of_account(HEALTHY | account) if one.advice]
        assert found.how is how
        assert word in found.advice

    @pytest.mark.parametrize(("theirs", "how"), [(1, How.BETTER), (14, How.WELL), (50, How.WELL), (-1, How.WELL)])
    def test_a_rate_that_ses_does_not_allow_is_said_with_the_one_to_deploy(self, theirs: float, how: How) -> None:
        found = doctor.of_rate({"SendQuota": {"MaxSendRate": theirs}}, 14)
        assert found.how is how
        assert ("SendRate=1." in found.advice) is (how is How.BETTER)

    @pytest.mark.parametrize(
        ("by_domain", "by_address", "how", "word"),
        [
            (None, {"VerifiedForSendingStatus": True}, How.BETTER, "CNAME"),
            (None, None, How.WRONG, "Open the link"),
            (SIGNED | {"DkimAttributes": {"Status": "PENDING"}}, None, How.WRONG, "DKIM"),
        ],
    )
    def test_a_sender_who_is_not_trusted(self, by_domain: Any, by_address: Any, how: How, word: str) -> None:
        found = [*doctor.of_sender("appointments@oneway.example", by_domain, by_address, HEALTHY)]
        (first, *_) = [one for one in found if one.advice]
        assert first.how is how
        assert word in first.advice

    @pytest.mark.parametrize(
        ("dns", "how", "word"),
        [
            (FakeDns(aliases={"one._domainkey.oneway.example": []}), How.WRONG, "one._domainkey.oneway.example CNAME"),
            (FakeDns(exchangers={"mail.oneway.example": []}), How.WRONG, "MX 10 feedback-smtp.us-east-1"),
            (FakeDns(texts={"mail.oneway.example": []}), How.WRONG, "v=spf1 include:amazonses.com"),
            (FakeDns(texts={"mail.oneway.example": ["v=spf1 -all", "v=spf1 ~all"]}), How.WRONG, "Make one"),
            (FakeDns(texts={"_dmarc.oneway.example": []}), How.BETTER, "v=DMARC1"),
            (FakeDns(texts={"_dmarc.oneway.example": ["v=DMARC1; p=none"]}), How.BETTER, "p=quarantine"),
        ],
    )
    def test_what_the_dns_lacks_is_said_as_it_has_to_be_entered(self, dns: FakeDns, how: How, word: str) -> None:
        (found,) = [one for one in doctor.of_dns("oneway.example", SIGNED, dns, "us-east-1") if one.advice]
        assert found.how is how
        assert word in found.advice

    def test_without_a_mail_from_of_its_own_it_says_which(self) -> None:
        (found,) = [one for one in doctor.of_dns("oneway.example", {}, FakeDns(), "us-east-1") if one.advice]
        assert "mail.oneway.example" in found.advice

    def test_a_policy_of_the_domain_above_counts(self) -> None:
        found = doctor.of_dns("book.oneway.example", SIGNED | {"DkimAttributes": {}}, FakeDns(), "us-east-1")
        assert any(one.what.startswith("DMARC: others quarantine") for one in found)

    def test_a_dns_that_does_not_answer_is_no_fault_of_the_domain(self) -> None:
        assert hows([*doctor.of_dns("oneway.example", SIGNED, FakeDns(down=True), "us-east-1")]) == {How.UNSEEN}

    def test_a_pause_of_this_stacks_mail_and_a_detour_of_its_links_are_found(self) -> None:
        assert [*doctor.of_settings({"SendingOptions": {"SendingEnabled": True}})] == []
        assert [*doctor.of_settings({})] == []
        (paused,) = doctor.of_settings({"SendingOptions": {"SendingEnabled": False}})
        (detour,) = doctor.of_settings({"TrackingOptions": {"CustomRedirectDomain": "click.oneway.example"}})
        assert hows([paused, detour]) == {How.WRONG}
        assert "Enable sending" in paused.advice

    def test_reports_that_do_not_come_and_tracking_that_should_not_be(self) -> None:
        assert How.WRONG in hows([*doctor.of_reports([])])
        watched = [{"Enabled": True, "MatchingEventTypes": [*REPORTED, "OPEN"]}]
        assert [one.how for one in doctor.of_reports(watched)] == [How.WELL, How.WRONG]

    @pytest.mark.parametrize(
        ("kind", "word"), [("SEND", "what SES took"), ("REJECT", "rejections"), ("BOUNCE", "bounces")]
    )
    def test_each_report_is_needed(self, kind: str, word: str) -> None:
        reports = [{"Enabled": True, "MatchingEventTypes": [one for one in REPORTED if one != kind]}]
        (wrong,) = (one for one in doctor.of_reports(reports) if one.how is How.WRONG)
        assert wrong.what == f"Reports: nobody hears of {word}"


class TestRecipients:
    def test_staff_whose_address_bounced_are_found_with_the_way_back(self) -> None:
        store = FakeStore()
        store.practices.save(a_practice(recipients=("front@harbor.example", "ben@harbor.example")))
        ours: Any = SimpleNamespace(practices=store.practices, suppressions=store.suppressions)
        assert hows([*doctor.of_recipients(ours)]) == {How.WELL}
        store.suppressions.add("harbor", Suppression(mark_of("harbor", "Ben@harbor.example"), Why.BOUNCED, NOW))
        (found,) = doctor.of_recipients(ours)
        assert found.how is How.WRONG
        assert found.advice.endswith("oneway messages allow harbor ben@harbor.example")

    def test_so_are_those_that_missed_a_message(self) -> None:
        store = FakeStore()
        store.practices.save(a_practice(recipients=("front@harbor.example",)))
        ours: Any = SimpleNamespace(practices=store.practices, suppressions=store.suppressions)
        missed = Suppression(missed_mark_of("harbor", "Front@harbor.example"), Why.REFUSED, NOW)
        store.suppressions.add("harbor", missed)
        (found,) = doctor.of_recipients(ours)
        assert found.how is How.WRONG
        assert "front@harbor.example of harbor missed mail: refused" in found.what


class TestPreview:
    def test_every_message_in_every_language(self, tmp_path: Path) -> None:
        messages.preview(PRACTICE_FILE, None, tmp_path, Console(quiet=True))
        for kind in MessageKind:
            for language in LANGUAGES:
                assert f'lang="{language}"' in (tmp_path / f"{kind}.{language}.html").read_text("utf-8")
                assert (tmp_path / f"{kind}.{language}.eml").read_bytes().startswith(b"Subject: ")
        shown = (tmp_path / "index.html").read_text("utf-8")
        assert shown.count("<li>") == len(list(tmp_path.glob("*.eml"))) > 2 * len(MessageKind)
        assert "(other provider)" in shown

    def test_with_the_practices_logo(self, tmp_path: Path) -> None:
        file = tmp_path / "practice.yaml"
        file.write_text(PRACTICE_FILE.read_text("utf-8") + "\nlogo: logo.png\n", "utf-8")
        (tmp_path / "logo.png").write_bytes(PNG)
        messages.preview(file, "en", tmp_path / "out", Console(quiet=True))
        assert "data:image/png;base64," in (tmp_path / "out/confirmed_patient.en.html").read_text("utf-8")

    def test_of_any_practice(self) -> None:
        assert {one.kind for one in samples(a_practice(), "es")} == set(MessageKind)


@pytest.mark.parametrize(("content", "word"), [(None, "no file"), (b"GIF89a", "neither"), (PNG + b"0" * 40_000, "KB")])
def test_a_logo_that_cannot_travel_is_refused(tmp_path: Path, content: bytes | None, word: str) -> None:
    if content:
        (tmp_path / "logo.png").write_bytes(content)
    with pytest.raises(Failure) as caught:
        read_logo(tmp_path / "practice.yaml", "logo.png")
    assert word in str(caught.value)


def test_switches_recipients_and_logo_stand_in_the_file() -> None:
    text = PRACTICE_FILE.read_text("utf-8")
    text = text.replace("messages: {", "messages: {unanswered: false, not_confirmed: false, expired: false, ")
    text = text.replace("    external_id: brandt\n", "    external_id: brandt\n    recipients: [lena@harbor.example]\n")
    found = read(text + "logo: logo.png\n")
    switches = found.practice.switches
    assert not (switches.unanswered or switches.not_confirmed or switches.expired)
    assert found.practice.recipients_for("brandt") == ("lena@harbor.example",)
    assert found.practice.recipients_for("osei") == ("frontdesk@harbor.example",)
    assert found.practice.recipients_for("nobody") == ("frontdesk@harbor.example",)
    assert found.logo == "logo.png"


@pytest.mark.parametrize("address", ["nobody", "a..b@harbor.example", "josé@harbor.example"])
def test_no_test_goes_where_no_mail_can(address: str) -> None:
    nowhere: Any = SimpleNamespace()
    with pytest.raises(Failure, match="no mail can be sent to"):
        messages.test(nowhere, "harbor", ["front@harbor.example", address], Console())


def test_an_address_that_is_written_twice_gets_one_message() -> None:
    practice = a_practice(recipients=("Front@harbor.example", "front@harbor.example", "ben@harbor.example"))
    assert practice.staff_recipients == ("Front@harbor.example", "ben@harbor.example")


def test_what_is_given_up_has_a_way_back() -> None:
    assert set(dead_letters.QUEUES) == {"pulls", "messages", "mail events"}


class TestWhatOperatorsMayDo:
    STACK: Any = SimpleNamespace(name="oneway", enter=lambda: None)

    @pytest.fixture
    def desk(self, monkeypatch: pytest.MonkeyPatch) -> Desk:
        desk = Desk()
        ours = SimpleNamespace(
            practices=desk.store.practices, suppressions=desk.store.suppressions, revoke_link=desk.revoke_link
        )
        monkeypatch.setattr(messages, "operators", lambda: ours)
        return desk

    def test_an_address_that_bounced_may_have_mail_again(self, desk: Desk) -> None:
        request = desk.ask()
        desk.track_mail(ses_events.read(an_event("bounce", request.id)))
        messages.allow(self.STACK, "harbor", "Maria@Example.org", Console())
        desk.enter()
        desk.minutes()
        assert desk.told(request) == [CONFIRMED]

    def test_staff_s_that_missed_a_message_is_told_of_no_more(self, desk: Desk) -> None:
        front = "front@harbor.example"
        desk.store.suppressions.add("harbor", Suppression(missed_mark_of("harbor", front), Why.REFUSED, NOW))
        messages.allow(self.STACK, "harbor", front, Console())
        assert desk.stopped_staff_mail(desk.practice).missed == []

    def test_a_link_that_was_sent_opens_nothing_any_more(self, desk: Desk) -> None:
        submitted = desk.submit()
        messages.revoke(self.STACK, "harbor", submitted.request.id, Console())
        with pytest.raises(LinkNotFound):
            desk.look_up("harbor", submitted.link)
        with pytest.raises(Failure, match="no request"):
            messages.revoke(self.STACK, "harbor", "aaaaaaaaaaaaa", Console())

    def test_of_a_practice_that_is_not_there_it_says_so(self, desk: Desk) -> None:
        for act in (messages.allow, messages.revoke):
            with pytest.raises(Failure, match="no practice"):
                act(self.STACK, "harbour", "maria@example.org", Console())
