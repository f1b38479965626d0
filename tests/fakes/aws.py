"""The parameter store, keys and a user pool in memory, as the command line uses them through boto3."""

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "Operation")


class FakeSsm:
    """The parameter store, in memory; every write is noted."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.writes: list[dict[str, Any]] = []

    def get_parameter(self, Name: str, WithDecryption: bool) -> dict[str, Any]:  # noqa: N803
        assert WithDecryption
        if Name not in self.values:
            raise refusal("ParameterNotFound")
        return {"Parameter": {"Value": self.values[Name]}}

    def put_parameter(self, **given: Any) -> None:
        if given["Name"] in self.values and not given["Overwrite"]:
            raise refusal("ParameterAlreadyExists")
        self.values[given["Name"]] = given["Value"]
        self.writes.append(given)

    def delete_parameter(self, Name: str) -> None:  # noqa: N803
        if Name not in self.values:
            raise refusal("ParameterNotFound")
        del self.values[Name]


@dataclass
class FakeKms:
    """Keys in KMS, by alias: public half (DER), or the code of the refusal."""

    keys: dict[str, bytes | str] = field(default_factory=dict)
    usage: str = "SIGN_VERIFY"

    def get_public_key(self, KeyId: str) -> dict[str, Any]:  # noqa: N803
        found = self.keys.get(KeyId, "NotFoundException")
        if isinstance(found, str):
            raise refusal(found)
        return {"KeyId": f"arn:aws:kms:us-east-1:000000000000:key/{KeyId}", "PublicKey": found, "KeyUsage": self.usage}


class FakeCognito:
    """A user pool, in memory."""

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {}
        self.created: list[dict[str, Any]] = []

    def admin_get_user(self, UserPoolId: str, Username: str) -> None:  # noqa: N803
        if Username not in self.groups:
            raise refusal("UserNotFoundException")

    def admin_create_user(self, **given: Any) -> None:
        self.groups[given["Username"]] = []
        self.created.append(given)

    def admin_add_user_to_group(self, UserPoolId: str, Username: str, GroupName: str) -> None:  # noqa: N803
        self.groups[Username].append(GroupName)

    def admin_list_groups_for_user(self, UserPoolId: str, Username: str) -> dict[str, Any]:  # noqa: N803
        return {"Groups": [{"GroupName": name} for name in self.groups[Username]]}
