"""What is said of credentials that cannot be used."""

import pytest
from oneway.domain.feeds import FeedState
from oneway.faults import AuthRevoked
from oneway.sources.opening import OpenSource

from tests.builders import NOW, feed_settings
from tests.fakes.store import FakeClock


@pytest.mark.parametrize(
    "document",
    [
        "", "token", "7", '["token"]', '{"client_id": "x"}', '{"client_id": 7}', '{"token": null}', '{"token": 5}',
        '{"token": ""}', r'{"token": "two\nlines"}', '{"token": "ключ"}',
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_read_is_no_bug(document: str) -> None:
    open_source = OpenSource(lambda *_: document, FakeClock(NOW), allow_loopback=False)
    state = FeedState(feed_settings(address="https://fhir.example/r4"))
    with pytest.raises(AuthRevoked, match="document cannot be read"):
        open_source(state)
