"""Everything one running emulator holds: clock, chance, tenants, tokens, faults, allowances, counts.

Built once by `server`; the endpoints share it. It decides nothing.
"""

from collections.abc import Iterable
from pathlib import Path

from idferry.emulator.authorizations import Authorizations
from idferry.emulator.clock import Clock
from idferry.emulator.entropy import Entropy
from idferry.emulator.graph.counts import Counts
from idferry.emulator.graph.faults import Faults
from idferry.emulator.graph.performer import Performer
from idferry.emulator.graph.throttle import Throttle, ThrottleProfile
from idferry.emulator.password_submit.sign_in import PasswordSubmit
from idferry.emulator.tenants import Tenant, TenantKind, new_tenant
from idferry.emulator.tokens import Tokens


class World:
    """The emulator's state.

    Args:
        kinds: one tenant of each of these kinds exists.
        folder: where the accounts' files are made; the caller removes it.
        clock: where time comes from; else the system's, moved by the control API.
        seed: makes ids, secrets and tokens reproducible; for tests only.
        authority: scheme and host of the tenants' issuers, as extensions are told them.
    """

    def __init__(
        self,
        *,
        kinds: Iterable[TenantKind],
        folder: Path,
        seed: int | None,
        clock: Clock | None = None,
        authority: str = "https://localhost",
    ) -> None:
        self.clock = clock or Clock()
        self.entropy = Entropy(seed=seed)
        self.tenants: list[Tenant] = [
            new_tenant(
                kind=kind,
                path=folder / f"{kind}.sqlite",
                clock=self.clock,
                entropy=self.entropy,
            )
            for kind in kinds
        ]
        self.tokens = Tokens(entropy=self.entropy)
        self.faults = Faults()
        self.throttle = Throttle()
        self.counts = Counts()
        self.performer = Performer(
            clock=self.clock, faults=self.faults, throttle=self.throttle, counts=self.counts
        )
        self.authority = authority
        self.authorizations = Authorizations(clock=self.clock, entropy=self.entropy)
        self.password_submit = PasswordSubmit(
            authority=authority,
            clock=self.clock,
            entropy=self.entropy,
            tokens=self.tokens,
            counts=self.counts,
        )

    def tenant(self, name: str) -> Tenant | None:
        """The tenant with this id or domain."""
        wanted = name.lower()
        return next((t for t in self.tenants if wanted in (t.tenant_id, t.domain)), None)

    def reset(self) -> None:
        """Back to the first moment: same tenants, ids, first applications and their tokens; nothing else remains."""
        self.clock.reset()
        for tenant in self.tenants:
            tenant.reset(now_s=self.clock.now_s(), entropy=self.entropy)
        self.tokens.keep_only({tenant.import_application.client_id for tenant in self.tenants})
        self.faults.set_rules([], seed=0)
        self.throttle.set_profile(ThrottleProfile())
        self.counts.reset()
        self.performer.forget()
        self.password_submit.forget()
        self.authorizations.forget()

    def close(self) -> None:
        """Gives the accounts' files up."""
        for tenant in self.tenants:
            tenant.directory.close()
