"""Which application permissions and directory roles each operation needs.

Rules: https://learn.microsoft.com/graph/api/user-update and the pages of the other operations. The roles come from the
token, so a new consent needs a new token; directory roles are looked up at each request.
"""

from collections.abc import Iterable

from idferry.emulator.graph.errors import denied
from idferry.emulator.graph.exchange import Call
from idferry.emulator.tenants import PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, USER_ADMINISTRATOR

CREATE_USERS = ("User.Create", "User.ReadWrite.All", "Directory.ReadWrite.All")
READ_USERS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
UPDATE_USERS = ("User.ReadUpdate.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
DELETE_USERS = ("User.DeleteRestore.All", "User.ReadWrite.All")
RESTORE_USERS = ("User.DeleteRestore.All",)
READ_SIGN_INS = ("AuditLog.Read.All",)
READ_APPLICATIONS = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
READ_DIRECTORY_ROLES = ("RoleManagement.Read.Directory", "Directory.Read.All", "Directory.ReadWrite.All")
WRITE_APPLICATIONS = ("Application.ReadWrite.All", "Directory.ReadWrite.All")
WRITE_EXTENSIONS = WRITE_APPLICATIONS
ASSIGN_ROLES = ("AppRoleAssignment.ReadWrite.All",)
READ_CUSTOM_EXTENSIONS = (
    "CustomAuthenticationExtension.Read.All",
    "CustomAuthenticationExtension.ReadWrite.All",
)
WRITE_CUSTOM_EXTENSIONS = ("CustomAuthenticationExtension.ReadWrite.All",)
READ_LISTENERS = ("EventListener.Read.All", "EventListener.ReadWrite.All")
WRITE_LISTENERS = ("EventListener.ReadWrite.All",)
READ_ORGANIZATION = ("Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All")
READ_QUOTA = ("Organization.Read.All",)

_OWN_PERMISSION = {
    "identities": ("User.ManageIdentities.All",),
    "passwordProfile": ("User-PasswordProfile.ReadWrite.All",),
    "otherMails": ("User-Mail.ReadWrite.All", "User.ReadWrite.All"),
    "businessPhones": ("User-Phone.ReadWrite.All", "User.ReadWrite.All"),
    "mobilePhone": ("User-Phone.ReadWrite.All", "User.ReadWrite.All"),
    "accountEnabled": ("User.EnableDisableAccount.All", "User.ReadWrite.All"),
}
_PASSWORD_ROLES = frozenset({USER_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR})


def require(call: Call, any_of: tuple[str, ...]) -> None:
    """GraphError unless the token holds one of these permissions."""
    if call.roles.isdisjoint(any_of):
        raise denied()


def require_for_update(call: Call, names: Iterable[str]) -> None:
    """GraphError unless the application may write every one of these properties of a user."""
    for name in names:
        require(call, _OWN_PERMISSION.get(name, UPDATE_USERS))
        if name == "passwordProfile":
            _require_password_role(call)
        if name == "accountEnabled" and "User.ReadWrite.All" not in call.roles:
            require(call, READ_USERS)


def _require_password_role(call: Call) -> None:
    strict = call.tenant.options.strict_password_role
    if strict and call.application.directory_roles.isdisjoint(_PASSWORD_ROLES):
        raise denied()
