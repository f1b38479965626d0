"""Credentials go from where the file says to the parameter store, once; staff get accounts, once."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from oneway.domain.practices import StaffMember, StaffRole
from oneway.use_cases.apply_practice import Fate

from cli.accounts import Accounts
from cli.practice_file import PracticeFileInvalid, read
from cli.vault import Vault, resolve
from tests.unit.cli.test_practice_file import SMALL


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


def test_credentials_are_encrypted_with_the_stacks_key() -> None:
    ssm = FakeSsm()
    assert Vault(ssm, "key-1").put("/oneway/sources/harbor/ehr", "{}") is Fate.CREATED
    (written,) = ssm.writes
    assert (written["Type"], written["KeyId"]) == ("SecureString", "key-1")


def test_unchanged_credentials_are_not_written_again() -> None:
    ssm = FakeSsm()
    vault = Vault(ssm, "key-1")
    assert [vault.put("/a", value) for value in ("1", "1", "2")] == [Fate.CREATED, Fate.UNCHANGED, Fate.UPDATED]
    assert len(ssm.writes) == 2


def test_the_secret_of_links_is_made_once_and_never_replaced() -> None:
    ssm = FakeSsm()
    vault = Vault(ssm, "key-1")
    assert vault.ensure_link_secrets("/links") is Fate.CREATED
    first = ssm.values["/links"]
    assert vault.ensure_link_secrets("/links") is Fate.UNCHANGED
    assert ssm.values["/links"] == first


def test_removing_credentials_twice_is_fine() -> None:
    ssm = FakeSsm()
    vault = Vault(ssm, "key-1")
    vault.put("/a", "1")
    vault.remove("/a")
    vault.remove("/a")
    assert not ssm.values


def test_credentials_come_from_the_environment(tmp_path: Path) -> None:
    assert resolve(read(SMALL), tmp_path, {"HARBOR_TOKEN": "word\n"}) == {"ehr": {"token": "word"}}


def test_credentials_come_from_a_file_beside_the_practice_file(tmp_path: Path) -> None:
    (tmp_path / "harbor.token").write_text("word\n")
    file = read(SMALL.replace("{env: HARBOR_TOKEN}", "{file: harbor.token}"))
    assert resolve(file, tmp_path, {}) == {"ehr": {"token": "word"}}


def test_a_source_may_need_no_credentials(tmp_path: Path) -> None:
    file = read(SMALL.replace("    credentials: {token: {env: HARBOR_TOKEN}}\n", ""))
    assert resolve(file, tmp_path, {}) == {"ehr": {}}


@pytest.mark.parametrize(
    ("written", "environment", "words"),
    [
        ("{env: HARBOR_TOKEN}", {}, "HARBOR_TOKEN is not set"),
        ("{env: HARBOR_TOKEN}", {"HARBOR_TOKEN": " "}, "HARBOR_TOKEN is not set"),
        ("{env: HARBOR_TOKEN}", {"HARBOR_TOKEN": "x" * 5000}, "longer than"),
        ("{file: none.token}", {}, "there is no file none.token"),
    ],
)
def test_a_secret_that_cannot_be_read_is_told_by_line(
    tmp_path: Path, written: str, environment: dict[str, str], words: str
) -> None:
    file = read(SMALL.replace("{env: HARBOR_TOKEN}", written))
    with pytest.raises(PracticeFileInvalid) as caught:
        resolve(file, tmp_path, environment)
    (problem,) = caught.value.problems
    assert problem.line == 16
    assert words in problem.message
    assert "xxx" not in problem.message


def test_a_new_staff_member_is_invited_by_mail_and_joins_the_group_of_the_role() -> None:
    cognito = FakeCognito()
    accounts = Accounts(cognito, "pool")
    assert accounts.ensure(StaffMember("ben@x.example", "Ben", StaffRole.VIEWER), invite=True) is Fate.CREATED
    assert cognito.created[0]["DesiredDeliveryMediums"] == ["EMAIL"]
    assert cognito.groups == {"ben@x.example": ["viewers"]}


def test_without_invitation_no_mail_is_sent() -> None:
    cognito = FakeCognito()
    Accounts(cognito, "pool").ensure(StaffMember("ben@x.example", "Ben"), invite=False)
    assert cognito.created[0]["MessageAction"] == "SUPPRESS"


def test_an_account_is_made_once_and_follows_the_role() -> None:
    cognito = FakeCognito()
    accounts = Accounts(cognito, "pool")
    roles = [StaffRole.STAFF, StaffRole.STAFF, StaffRole.VIEWER]
    fates = [accounts.ensure(StaffMember("ben@x.example", "Ben", role), invite=True) for role in roles]
    assert fates == [Fate.CREATED, Fate.UNCHANGED, Fate.UPDATED]
    assert len(cognito.created) == 1
