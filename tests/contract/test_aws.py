"""The mail service and the queues: the fakes are held to the embedded AWS's."""

import json
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from oneway import queues
from oneway.domain.feeds import FeedRef
from oneway.faults import MailOutcomeUnknown, MailRefused, MailThrottled, MailUnavailable
from oneway.mail import ses
from oneway.ports import Mailer

from tests.conftest import Embedded
from tests.fakes.aws import FakeCognito, FakeSsm
from tests.fakes.outside import FakeMailer, FakeMessageQueue, FakeSyncQueue

SENDER = "appointments@oneway.example"
REFS = [FeedRef("harbor", "ehr~osei", "lane-1"), FeedRef("harbor", "ehr~brandt", "lane-1")]


def a_message(subject: str) -> bytes:
    mime = EmailMessage()
    mime["Subject"], mime["From"], mime["To"] = subject, SENDER, "maria@example.org"
    mime.set_content("Not confirmed yet: the practice will answer.")
    mime.add_alternative("<p>Not confirmed yet</p>", subtype="html")
    return mime.as_bytes()


@pytest.fixture(scope="module")
def service(embedded: Embedded) -> Iterator[ses.SesMailer]:
    client = embedded.aws.client("ses")
    client.verify_email_identity(EmailAddress=SENDER)
    client.create_configuration_set(ConfigurationSet={"Name": "oneway"})
    ses._client.cache_clear()
    yield ses.SesMailer("oneway")
    ses._client.cache_clear()


@pytest.fixture(params=["fake", "ses"])
def mailer(request: pytest.FixtureRequest) -> Mailer:
    return FakeMailer() if request.param == "fake" else request.getfixturevalue("service")


class TestMailer:
    def test_each_message_has_an_id_of_its_own(self, mailer: Mailer) -> None:
        ids = {mailer.send(a_message("One"), SENDER, ["maria@example.org"], {"message": str(n)}) for n in range(3)}
        assert len(ids) == 3
        assert all(ids)

    def test_it_arrives_whole(self, service: ses.SesMailer, embedded: Embedded) -> None:
        service.send(a_message("Whole"), SENDER, ["maria@example.org", "jon@example.org"], {"request": "r"})
        found = embedded.mailbox.wait_for(lambda one: one.subject == "Whole", 20)
        assert set(found.to) == {"maria@example.org", "jon@example.org"}
        assert "Not confirmed yet" in found.text
        assert "<p>Not confirmed yet</p>" in found.html

    def test_a_sender_that_is_not_verified_waits_until_operators_have_seen_to_it(self, service: ses.SesMailer) -> None:
        with pytest.raises(MailUnavailable):
            service.send(a_message("Forged"), "nobody@elsewhere.example", ["maria@example.org"], {})

    @pytest.mark.parametrize(
        ("injected", "fault"),
        [
            (ReadTimeoutError(endpoint_url="https://mail"), MailOutcomeUnknown),
            (ConnectTimeoutError(endpoint_url="https://mail"), MailUnavailable),
            (b"<Code>Throttling</Code><Message>Maximum sending rate exceeded.</Message>", MailThrottled),
            (b"<Code>Throttling</Code><Message>Daily message quota exceeded.</Message>", MailUnavailable),
            (b"<Code>MessageRejected</Code>", MailRefused),
            (b"<Code>MessageRejected</Code><Message>Sending paused for this account.</Message>", MailUnavailable),
        ],
    )
    def test_what_ses_says_or_does_not_say(
        self, service: ses.SesMailer, injected: Exception | bytes, fault: type[Exception]
    ) -> None:
        calls = []

        def strike(request: Any, **_: Any) -> AWSResponse:
            calls.append(request)
            if isinstance(injected, Exception):
                raise injected
            body = b"<ErrorResponse><Error><Type>Sender</Type>%s</Error></ErrorResponse>" % injected
            return AWSResponse(request.url, 400, {"Content-Type": "text/xml"}, _Body(body))

        events = ses._client().meta.events
        events.register_first("before-send.ses.SendRawEmail", strike)
        try:
            with pytest.raises(fault) as caught:
                service.send(a_message("Lost"), SENDER, ["maria@example.org"], {})
        finally:
            events.unregister("before-send.ses.SendRawEmail", strike)
        assert len(calls) == 1
        assert caught.type is fault


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


class Waiting:
    """A FIFO queue as the template makes them; what waits there."""

    def __init__(self, embedded: Embedded, name: str) -> None:
        self._client = embedded.aws.client("sqs")
        made = self._client.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})
        self.url: str = made["QueueUrl"]
        queues._client.cache_clear()

    def bodies(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            messages = self._client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
            if not messages:
                return found
            for message in messages:
                found.append(json.loads(message["Body"]))
                self._client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


def test_the_same_feed_and_minute_is_enqueued_once(embedded: Embedded) -> None:
    real, fake = Waiting(embedded, "syncs"), FakeSyncQueue()
    for queue in (queues.SqsSyncQueue(real.url), fake):
        for minute in (7, 7, 8):
            queue.send(REFS, minute, 4)
    waiting = [(practice, feed, one["minute"]) for one in real.bodies() for practice, feed, _ in one["pulls"]]
    assert sorted(waiting) == sorted(fake.waiting)


def test_the_same_request_and_word_is_enqueued_once(embedded: Embedded) -> None:
    real, fake = Waiting(embedded, "messages"), FakeMessageQueue()
    sent = [("harbor", f"request-{number}", "v1") for number in range(25)]
    for queue in (queues.SqsMessageQueue(real.url), fake):
        queue.send(sent)
        queue.send([*sent[:3], ("harbor", "request-0", "v2")])
    waiting = [(one["practice"], one["request"]) for one in real.bodies()]
    assert sorted(waiting) == sorted((practice, request) for practice, request, _ in fake.waiting)


def test_long_names_still_fit_a_queue(embedded: Embedded) -> None:
    real = Waiting(embedded, "long")
    queues.SqsSyncQueue(real.url).send([FeedRef("p" * 100, "f" * 100, "l" * 300)], 7, 1)
    queues.SqsSyncQueue(real.url).alone(FeedRef("p" * 100, "f" * 100, "l" * 300), 7, "w" * 200, asked=False)
    assert len(real.bodies()) == 2


def code_of(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    return str(caught.value.response["Error"]["Code"])


class TestParameterStore:
    @pytest.fixture(params=["fake", "ssm"])
    def ssm(self, request: pytest.FixtureRequest) -> Any:
        if request.param == "fake":
            return FakeSsm()
        embedded: Embedded = request.getfixturevalue("embedded")
        return embedded.aws.client("ssm")

    def test_a_secret_is_kept_replaced_and_deleted(self, ssm: Any, embedded: Embedded) -> None:
        name = "/oneway/sources/harbor/ehr"
        key = embedded.aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
        written = {"Name": name, "Type": "SecureString", "KeyId": key}
        assert code_of(ssm.get_parameter, Name=name, WithDecryption=True) == "ParameterNotFound"
        ssm.put_parameter(**written, Value="one", Overwrite=False)
        assert code_of(ssm.put_parameter, **written, Value="two", Overwrite=False) == "ParameterAlreadyExists"
        ssm.put_parameter(**written, Value="two", Overwrite=True)
        assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "two"
        ssm.delete_parameter(Name=name)
        assert code_of(ssm.delete_parameter, Name=name) == "ParameterNotFound"


class TestUserPool:
    @pytest.fixture(params=["fake", "cognito"])
    def pool(self, request: pytest.FixtureRequest) -> tuple[Any, str]:
        if request.param == "fake":
            return FakeCognito(), "pool"
        embedded: Embedded = request.getfixturevalue("embedded")
        cognito = embedded.aws.client("cognito-idp")
        made = cognito.create_user_pool(PoolName="staff", UsernameAttributes=["email"])["UserPool"]["Id"]
        for group in ("staff", "viewers"):
            cognito.create_group(UserPoolId=made, GroupName=group)
        return cognito, made

    def test_somebody_gets_an_account_and_groups(self, pool: tuple[Any, str]) -> None:
        cognito, pool_id = pool
        who = {"UserPoolId": pool_id, "Username": "nadia@harbor.example"}
        attributes = [{"Name": "email", "Value": "nadia@harbor.example"}, {"Name": "email_verified", "Value": "true"}]
        assert code_of(cognito.admin_get_user, **who) == "UserNotFoundException"
        cognito.admin_create_user(**who, UserAttributes=attributes, MessageAction="SUPPRESS")
        cognito.admin_get_user(**who)
        assert cognito.admin_list_groups_for_user(**who)["Groups"] == []
        cognito.admin_add_user_to_group(**who, GroupName="staff")
        found = cognito.admin_list_groups_for_user(**who)["Groups"]
        assert [group["GroupName"] for group in found] == ["staff"]
