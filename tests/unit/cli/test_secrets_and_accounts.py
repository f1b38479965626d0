"""Credentials go from where the file says to the parameter store, once; staff get accounts, once."""

from pathlib import Path

import pytest
from oneway.domain.practices import StaffMember, StaffRole
from oneway.use_cases.apply_practice import Fate

from cli.accounts import Accounts
from cli.practice_file import PracticeFileInvalid, read
from cli.signing_keys import SigningKey
from cli.vault import Resolved, Vault, resolve
from tests.fakes.aws import FakeCognito, FakeSsm
from tests.unit.cli.test_practice_file import SMALL


def no_keys(name: str, key_id: str) -> SigningKey:
    raise AssertionError(name, key_id)


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
    found = resolve(read(SMALL), tmp_path, no_keys, {"HARBOR_TOKEN": "word\n"})
    assert found == {"ehr": Resolved({"token": "word"})}
    assert found["ehr"].text == '{"token": "word"}'


def test_credentials_come_from_a_file_beside_the_practice_file(tmp_path: Path) -> None:
    (tmp_path / "harbor.token").write_text("word\n")
    file = read(SMALL.replace("{env: HARBOR_TOKEN}", "{file: harbor.token}"))
    assert resolve(file, tmp_path, no_keys, {}) == {"ehr": Resolved({"token": "word"})}


def test_a_source_may_need_no_credentials(tmp_path: Path) -> None:
    file = read(SMALL.replace("    credentials: {token: {env: HARBOR_TOKEN}}\n", ""))
    assert resolve(file, tmp_path, no_keys, {}) == {"ehr": Resolved({})}


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
        resolve(file, tmp_path, no_keys, environment)
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
