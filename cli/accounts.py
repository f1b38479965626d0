"""Staff's accounts in the stack's Cognito pool. Who belongs to which practice stands in the table, not here."""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError
from oneway.domain.practices import StaffMember, StaffRole
from oneway.use_cases.apply_practice import Fate

_GROUPS = {StaffRole.STAFF: "staff", StaffRole.VIEWER: "viewers"}


class Accounts:
    """Creates what is missing; never takes an account away (somebody may work for another practice)."""

    def __init__(self, cognito: Any, pool_id: str) -> None:
        self._cognito = cognito
        self._pool_id = pool_id

    def exists(self, email: str) -> bool:
        """Whether somebody has an account."""
        try:
            self._cognito.admin_get_user(UserPoolId=self._pool_id, Username=email)
        except ClientError as error:
            if error.response["Error"]["Code"] != "UserNotFoundException":
                raise
            return False
        return True

    def ensure(self, member: StaffMember, *, invite: bool) -> Fate:
        """Give somebody an account and the group of their role; Cognito mails an invitation with a first password."""
        created = not self.exists(member.email) and self._create(member.email, invite)
        group = _GROUPS[member.role]
        if created or group not in self._groups(member.email):
            self._cognito.admin_add_user_to_group(UserPoolId=self._pool_id, Username=member.email, GroupName=group)
            return Fate.CREATED if created else Fate.UPDATED
        return Fate.UNCHANGED

    def _create(self, email: str, invite: bool) -> bool:
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        how = {"DesiredDeliveryMediums": ["EMAIL"]} if invite else {"MessageAction": "SUPPRESS"}
        try:
            self._cognito.admin_create_user(UserPoolId=self._pool_id, Username=email, UserAttributes=attributes, **how)
        except ClientError as error:
            if error.response["Error"]["Code"] != "UsernameExistsException":
                raise
            return False
        return True

    def _groups(self, email: str) -> Iterable[str]:
        found = self._cognito.admin_list_groups_for_user(UserPoolId=self._pool_id, Username=email)
        return [group["GroupName"] for group in found["Groups"]]
