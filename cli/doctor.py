"""`oneway doctor`: is mail delivered, and trusted? What SES and the DNS say, and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from botocore.exceptions import ClientError
from oneway.bootstrap import Operators
from oneway.use_cases.staff_mail import StoppedStaffMail
from rich.console import Console
from rich.markup import escape

from .stack import Stack, operators, plainly
from .terminal import busy


class How(StrEnum):
    """How a thing is: well, worth bettering, wrong (mail does not arrive), or not to be seen from here."""

    WELL = "well"
    BETTER = "better"
    WRONG = "wrong"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it ("": nothing)."""

    how: How
    what: str
    advice: str = ""


class Dns(Protocol):
    """Asks the DNS."""

    def texts(self, name: str) -> Sequence[str]:
        """The TXT records of a name; none if there are none."""

    def aliases(self, name: str) -> Sequence[str]:
        """The CNAME records of a name, without a dot at the end."""

    def exchangers(self, name: str) -> Sequence[str]:
        """The MX records of a name, without a dot at the end."""


class DnsUnavailable(Exception):
    """The DNS gave no answer."""


class RealDns:
    """The DNS that this machine asks."""

    def texts(self, name: str) -> Sequence[str]:
        """The TXT records of a name."""
        return [b"".join(one.strings).decode("utf-8", "replace") for one in self._ask(name, "TXT")]

    def aliases(self, name: str) -> Sequence[str]:
        """The CNAME records of a name."""
        return [str(one.target).rstrip(".").lower() for one in self._ask(name, "CNAME")]

    def exchangers(self, name: str) -> Sequence[str]:
        """The MX records of a name."""
        return [str(one.exchange).rstrip(".").lower() for one in self._ask(name, "MX")]

    def _ask(self, name: str, kind: str) -> Any:
        import dns.exception
        import dns.resolver

        try:
            return dns.resolver.resolve(name, kind, lifetime=8)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.DNSException as error:
            raise DnsUnavailable from error


def examine(stack: Stack, out: Console, dns: Dns | None = None) -> bool:
    """Show everything that concerns the delivery of mail; whether nothing is wrong."""
    sender = stack.output("Sender")
    domain = sender.rpartition("@")[2].lower()
    with plainly(stack.name), busy(out, "Asking SES and the DNS"):
        client = stack.client("sesv2")
        account = client.get_account()
        by_domain, by_address = (_identity(client, name) for name in (domain, sender))
        ours = stack.output("ConfigurationSet")
        settings = client.get_configuration_set(ConfigurationSetName=ours)
        reports = client.get_configuration_set_event_destinations(ConfigurationSetName=ours)
        found = [
            *of_account(account),
            of_rate(account, float(stack.output("SendRate"))),
            *of_sender(sender, by_domain, by_address, account),
            *of_settings(settings),
            *of_reports(reports.get("EventDestinations", [])),
        ]
        if stack.local:
            found.append(Finding(How.UNSEEN, "DNS: the embedded AWS has none; mail goes to the mailbox only"))
        else:
            found += of_dns(domain, by_domain, dns or RealDns(), str(stack.session.region_name))
    with plainly(stack.name), busy(out, "Looking at recipients"):
        stack.enter()
        found += of_recipients(operators())
    signs = {How.WELL: "[green]✓[/]", How.BETTER: "[yellow]![/]", How.WRONG: "[bold red]✗[/]", How.UNSEEN: "[dim]?[/]"}
    for one in found:
        out.print(f"{signs[one.how]} {escape(one.what)}", soft_wrap=True)
        if one.advice:
            out.print(f"    {escape(one.advice)}", soft_wrap=True)
    return not any(one.how is How.WRONG for one in found)


def of_account(account: Mapping[str, Any]) -> Iterator[Finding]:
    """What SES allows the account: everybody or confirmed addresses only, at all, and how much."""
    if account.get("ProductionAccessEnabled"):
        yield Finding(How.WELL, "Sandbox: the account may write to everybody")
    else:
        advice = "SES console, Account dashboard, Request production access. Until then patients get no mail."
        yield Finding(How.WRONG, "Sandbox: the account may write to confirmed addresses only", advice)
    status = str(account.get("EnforcementStatus", "HEALTHY"))
    if not account.get("SendingEnabled", True) or status == "SHUTDOWN":
        advice = "SES console, Account dashboard, says why. Too many bounces? Answer the case that AWS has opened."
        yield Finding(How.WRONG, "Sending: SES has stopped it", advice)
    elif status == "PROBATION":
        yield Finding(
            How.BETTER,
            "Sending: SES reviews the account",
            "Answer the case that AWS has opened; see the bounces alarm.",
        )
    else:
        yield Finding(How.WELL, "Sending: allowed")
    quota = account.get("SendQuota", {})
    most, sent = float(quota.get("Max24HourSend", 0)), float(quota.get("SentLast24Hours", 0))
    told = f"Quota: {sent:.0f} of {most:.0f} messages in 24 hours, {float(quota.get('MaxSendRate', 0)):.0f} a second"
    if most < 0:
        yield Finding(How.WELL, "Quota: none")
    elif sent >= most:
        yield Finding(
            How.WRONG, told, "Used up: what waits goes out as it frees up. Ask for more in Service Quotas, SES."
        )
    elif sent >= 0.8 * most:
        yield Finding(How.BETTER, told, "Ask for more in Service Quotas, SES, before it is used up.")
    else:
        yield Finding(How.WELL, told)


def of_rate(account: Mapping[str, Any], ours: float) -> Finding:
    """Whether the stack keeps to the rate that SES allows, in recipients a second."""
    theirs = float(account.get("SendQuota", {}).get("MaxSendRate", 0))
    told = f"Rate: this stack sends to {ours:g} recipients a second at most, SES takes {theirs:g}"
    if 0 < theirs < ours:
        advice = f"Deploy with SendRate={theirs:g}. Until then SES refuses some at times, and they are tried again."
        return Finding(How.BETTER, told, advice)
    return Finding(How.WELL, told)


def of_sender(
    sender: str, by_domain: Mapping[str, Any] | None, by_address: Mapping[str, Any] | None, account: Mapping[str, Any]
) -> Iterator[Finding]:
    """Whether SES may write as the sender."""
    verified = [one for one in (by_domain, by_address) if one and one.get("VerifiedForSendingStatus")]
    domain = sender.rpartition("@")[2]
    if verified:
        yield Finding(How.WELL, f"Sender: {sender} is confirmed")
    else:
        advice = f"Open the link that SES sent to {sender}, or verify the domain {domain} in SES, Identities."
        yield Finding(How.WRONG, f"Sender: {sender} is not confirmed, so nothing is sent", advice)
    if by_domain is None:
        advice = f"SES console, Identities, Create identity, Domain {domain}; then enter the three CNAME records that it shows."
        yield Finding(
            How.BETTER, f"DKIM: the domain {domain} is no identity, so mail is not signed in its name", advice
        )
        return
    dkim = by_domain.get("DkimAttributes", {})
    status = str(dkim.get("Status", "NOT_STARTED"))
    if status == "SUCCESS" and dkim.get("SigningEnabled", True):
        yield Finding(How.WELL, f"DKIM: mail is signed as {domain}")
    else:
        advice = (
            f"Enter the CNAME records of SES, Identities, {domain}, DKIM in the DNS; they may take a day to be seen."
        )
        yield Finding(How.WRONG, f"DKIM: SES says {status.lower().replace('_', ' ')}: mail may go to spam", advice)


def of_settings(settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether somebody paused this stack's mail, or has its links go through SES, which would count clicks."""
    if not settings.get("SendingOptions", {}).get("SendingEnabled", True):
        advice = "SES console, Configuration sets, this stack's, Enable sending. What waits goes out then."
        yield Finding(How.WRONG, "Sending: it is paused for this stack", advice)
    if settings.get("TrackingOptions", {}).get("CustomRedirectDomain"):
        advice = "Take the custom redirect domain off the configuration set: links that go through it tell who is ill."
        yield Finding(How.WRONG, "Tracking: links may go through SES", advice)


_REPORTED = {
    "SEND": "what SES took",
    "DELIVERY": "deliveries",
    "DELIVERY_DELAY": "delays",
    "BOUNCE": "bounces",
    "COMPLAINT": "complaints",
    "REJECT": "rejections",
}
"""What the template asks SES to report, and nobody else tells."""


def of_reports(destinations: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Whether bounces come back here, and that nobody counts who opens or clicks."""
    kinds = {kind for one in destinations if one.get("Enabled") for kind in one.get("MatchingEventTypes", ())}
    if missing := [what for kind, what in _REPORTED.items() if kind not in kinds]:
        advice = (
            "Mail may be sent twice, and staff are not told to call. Deploy the stack again: its configuration set reports them "
            "to EventBridge."
        )
        yield Finding(How.WRONG, f"Reports: nobody hears of {', '.join(missing)}", advice)
    else:
        yield Finding(How.WELL, f"Reports: {', '.join(_REPORTED.values())} come back")
    if kinds & {"OPEN", "CLICK"}:
        advice = "Take OPEN and CLICK out of the configuration set's destinations: they tell who is ill."
        yield Finding(How.WRONG, "Tracking: opens or clicks are counted", advice)
    else:
        yield Finding(How.WELL, "Tracking: neither opens nor clicks are counted")


def of_recipients(ours: Operators) -> Iterator[Finding]:
    """Whether staff's own addresses get mail."""
    troubles = 0
    for practice in map(ours.practices.get, ours.practices.slugs()):
        trouble = StoppedStaffMail(ours.suppressions)(practice)
        troubles += len(trouble.stopped) + len(trouble.missed)
        for address, found in trouble.missed:
            advice = "Is the address right, and does it take mail? Staff see it in Action required until they say so."
            yield Finding(How.WRONG, f"Staff: {address} of {practice.slug} missed mail: {found.why}", advice)
        for address, found in trouble.stopped:
            advice = f"Once it takes mail again: oneway messages allow {practice.slug} {address}"
            yield Finding(How.WRONG, f"Staff: {address} of {practice.slug} gets no mail: it {found.why}", advice)
    if not troubles:
        yield Finding(How.WELL, "Staff: all recipients get mail")


def of_dns(domain: str, identity: Mapping[str, Any] | None, dns: Dns, region: str) -> Iterator[Finding]:
    """What others read of the domain: DKIM's keys, MAIL FROM with SPF, and DMARC."""
    for what, look in (("DKIM", _dkim_keys), ("MAIL FROM", _mail_from), ("DMARC", _dmarc)):
        try:
            yield from look(domain, identity or {}, dns, region)
        except DnsUnavailable:
            yield Finding(How.UNSEEN, f"{what}: the DNS gave no answer from here")


def _dkim_keys(domain: str, identity: Mapping[str, Any], dns: Dns, region: str) -> Iterator[Finding]:
    tokens = identity.get("DkimAttributes", {}).get("Tokens", ())
    missing = [one for one in tokens if f"{one}.dkim.amazonses.com" not in dns.aliases(f"{one}._domainkey.{domain}")]
    if missing:
        records = "; ".join(f"{one}._domainkey.{domain} CNAME {one}.dkim.amazonses.com" for one in missing)
        yield Finding(
            How.WRONG, f"DKIM: {len(missing)} of {len(tokens)} records are not in the DNS", f"Enter: {records}"
        )
    elif tokens:
        yield Finding(How.WELL, "DKIM: its records are in the DNS")


def _mail_from(domain: str, identity: Mapping[str, Any], dns: Dns, region: str) -> Iterator[Finding]:
    attributes = identity.get("MailFromAttributes", {})
    name = str(attributes.get("MailFromDomain") or "")
    if not name:
        advice = f"SES console, Identities, {domain}, Custom MAIL FROM, such as mail.{domain}. DKIM alone is enough for most."
        yield Finding(
            How.BETTER, "MAIL FROM: Amazon's own, so that SPF vouches for Amazon and not for the domain", advice
        )
        return
    exchanger = f"feedback-smtp.{region}.amazonses.com"
    if exchanger in dns.exchangers(name):
        yield Finding(How.WELL, f"MAIL FROM: {name}, and bounces find their way")
    else:
        yield Finding(How.WRONG, f"MAIL FROM: {name} has no way for bounces", f"Enter: {name} MX 10 {exchanger}")
    spf = [one for one in dns.texts(name) if one.lower().startswith("v=spf1")]
    if len(spf) == 1 and "include:amazonses.com" in spf[0]:
        yield Finding(How.WELL, f"SPF: {name} lets Amazon send")
    elif len(spf) > 1:
        yield Finding(How.WRONG, f"SPF: {name} has {len(spf)} records, so none counts", "Make one of them.")
    else:
        advice = f'Enter: {name} TXT "v=spf1 include:amazonses.com ~all"'
        yield Finding(How.WRONG, f"SPF: {name} does not let Amazon send", advice)


def _dmarc(domain: str, identity: Mapping[str, Any], dns: Dns, region: str) -> Iterator[Finding]:
    labels = domain.split(".")
    names = [".".join(labels[number:]) for number in range(len(labels) - 1)]
    for name in names:
        records = [one for one in dns.texts(f"_dmarc.{name}") if one.replace(" ", "").upper().startswith("V=DMARC1")]
        if not records:
            continue
        policy = next(
            (part.partition("=")[2].strip() for part in records[0].split(";") if part.strip().startswith("p=")), ""
        )
        if policy in ("quarantine", "reject"):
            yield Finding(How.WELL, f"DMARC: others {policy} what only pretends to come from {name}")
        else:
            advice = f"Once its reports look well, make it p=quarantine at _dmarc.{name}."
            yield Finding(How.BETTER, "DMARC: there is a policy, and it asks for nothing", advice)
        return
    advice = f'Enter: _dmarc.{domain} TXT "v=DMARC1; p=none; rua=mailto:you@{domain}". Gmail and Yahoo ask for one.'
    yield Finding(How.BETTER, "DMARC: the domain has no policy", advice)


def _identity(client: Any, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = client.get_email_identity(EmailIdentity=name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NotFoundException":
            return None
        raise
    return found
