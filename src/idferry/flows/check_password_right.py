"""Ask whether our applications may set people's passwords: mode B, capture and `person --require-reset` do.

Microsoft wants a permission and a directory role, and the second is seen only by whoever may read roles. Nothing is
refused here: the directory itself judges, and its word counts.
"""

from collections.abc import Mapping

from idferry.ports import TenantInspector
from idferry.rules.readiness import PasswordRight, password_right


def check_password_right(*, inspector: TenantInspector) -> Mapping[str, PasswordRight]:
    """How each application stands, by its name.

    Raises:
        DirectoryError: the directory cannot be asked.
    """
    granted = inspector.inspect().permissions
    return {
        name: password_right(granted=granted.get(name), roles=roles)
        for name, roles in inspector.directory_roles().items()
    }
