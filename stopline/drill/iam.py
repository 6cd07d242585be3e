"""What the emulated IAM lacks of what a user can have, and of how strictly it deletes one.

The emulator knows no boundary of a user's and no credentials for one service, and deletes a user
that still has keys, a password, devices or memberships. AWS refuses that, which is what the order
of a removal rests on. Nor does it know what to say to a session of a role that is gone, nor which
right it takes to read whose the objects of a bucket are. The policy that a bus is given whole it
adds to what is there, where EventBridge puts it in the place of that.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html
"""

import secrets
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.events.models import EventBus
from moto.iam.access_control import AssumedRoleAccessKey, CreateAccessKeyFailure
from moto.iam.exceptions import DeleteConflictException, NotFoundException
from moto.iam.models import IAMBackend, User
from moto.iam.responses import IamResponse
from moto.s3.responses import ACTION_MAP
from moto.server import main

Response: Any = IamResponse
"""What answers a call: a method for each operation."""


def extend() -> None:
    """Teach the emulator in this process all of that. Twice is once."""
    model: Any = User
    model.permissions_boundary = None
    model.special_credentials = property(lambda user: user.__dict__.setdefault("special", []))
    for answer in (_put_boundary, _delete_boundary, _create, _list, _delete):
        setattr(Response, _NAMES[answer.__name__], answer)
    ACTION_MAP["BUCKET"]["GET"]["ownershipControls"] = "GetBucketOwnershipControls"
    backend: Any = IAMBackend
    if not hasattr(backend, "plainly_delete_user"):
        backend.plainly_delete_user = backend.delete_user
        backend.delete_user = _delete_user
        key: Any = AssumedRoleAccessKey
        key.plainly_init = key.__init__
        key.__init__ = _session_of_a_role
        bus: Any = EventBus
        bus.plainly_add_policy = bus.add_policy
        bus.add_policy = _put_policy


_NAMES = {
    "_put_boundary": "put_user_permissions_boundary",
    "_delete_boundary": "delete_user_permissions_boundary",
    "_create": "create_service_specific_credential",
    "_list": "list_service_specific_credentials",
    "_delete": "delete_service_specific_credential",
}


def _user(asked: Any) -> Any:
    return asked.backend.get_user(asked._get_param("UserName"))  # noqa: SLF001 - moto's own way


def _put_boundary(self: Any) -> EmptyResult:
    arn = self._get_param("PermissionsBoundary")
    kind = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    _user(self).permissions_boundary = kind
    return EmptyResult()


def _delete_boundary(self: Any) -> EmptyResult:
    _user(self).permissions_boundary = None
    return EmptyResult()


def _create(self: Any) -> ActionResult:
    user = _user(self)
    made = {
        "UserName": user.name,
        "ServiceName": self._get_param("ServiceName"),
        "ServiceSpecificCredentialId": f"ACCA{secrets.token_hex(8).upper()}",
        "ServiceUserName": f"{user.name}-at-{user.account_id}",
        "Status": "Active",
        "CreateDate": user.create_date,
    }
    user.special_credentials.append(made)
    secret = {"ServicePassword": secrets.token_hex(16)}
    return ActionResult({"ServiceSpecificCredential": made | secret})


def _list(self: Any) -> ActionResult:
    return ActionResult({"ServiceSpecificCredentials": _user(self).special_credentials})


def _delete(self: Any) -> EmptyResult:
    user, wanted = _user(self), self._get_param("ServiceSpecificCredentialId")
    kept = [c for c in user.special_credentials if c["ServiceSpecificCredentialId"] != wanted]
    if len(kept) == len(user.special_credentials):
        message = f"The credential {wanted} cannot be found"
        raise NotFoundException(message)
    user.special_credentials[:] = kept
    return EmptyResult()


def _delete_user(self: Any, user_name: str) -> None:
    user = self.get_user(user_name)
    left = {
        "login profile": user.password,
        "access keys": user.access_keys,
        "SSH public keys": user.ssh_public_keys,
        "signing certificates": user.signing_certificates,
        "service specific credentials": user.special_credentials,
        "MFA devices": user.mfa_devices,
        "groups": self.get_groups_for_user(user_name),
    }
    for what, found in left.items():
        if found:
            message = f"Cannot delete entity, must remove {what} first."
            raise DeleteConflictException(message)
    self.plainly_delete_user(user_name)


def _put_policy(self: Any, policy: Any) -> None:
    self.remove_statements()
    self.plainly_add_policy(policy)


def _session_of_a_role(self: Any, *args: Any, **words: Any) -> None:
    self.plainly_init(*args, **words)
    if all(role.name != self._owner_role_name for role in self.backend.roles.values()):
        raise CreateAccessKeyFailure(reason="InvalidId")


if __name__ == "__main__":
    extend()
    main()
