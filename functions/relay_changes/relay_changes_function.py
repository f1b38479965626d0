"""DynamoDB stream → messages queue: whatever has unsent messages is named there (docs/adr/0004)."""

from typing import Any

from oneway import bootstrap

queue = bootstrap.relay_changes()


def handler(event: dict[str, Any], context: object) -> None:
    """Enqueue the requests of a batch of stream records; a failure delivers the batch again."""
    images = [record["dynamodb"]["NewImage"] for record in event["Records"] if "NewImage" in record["dynamodb"]]
    queue.send([bootstrap.unsent_of(image) for image in images if "unsent" in image])
