"""Calls an extension: within its time, once more where that may help, and no oftener than a tenant is allowed.

https://learn.microsoft.com/entra/external-id/customers/reference-service-limits. Time limits are the machine's own seconds,
however the emulated clock runs: the extension is a real program. Judging the answer stands in `answers`.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from idferry.emulator.clock import Clock
from idferry.emulator.entropy import Entropy
from idferry.emulator.graph.allowances import SlidingWindow
from idferry.emulator.graph.counts import Counts
from idferry.emulator.password_submit.answers import Action, judge
from idferry.emulator.password_submit.envelope import Submission, bearer_token, request_body
from idferry.emulator.password_submit.failures import REPEATED, SERVER_ERROR_STATUS, Failure
from idferry.emulator.tenants import Tenant
from idferry.emulator.tokens import Tokens

RESPONSE_BYTES_MAX = 64 * 1024
CALL = "passwordSubmit"


@dataclass(frozen=True, slots=True)
class CallMade:
    """One request to the extension, as the sign-in log tells it.

    Attributes:
        status: HTTP status, or None when there was no whole answer.
        took_ms: by the machine's clock. outcome: the action's name, or empty. error_code: or None.
    """

    status: int | None
    took_ms: int
    outcome: str
    error_code: int | None


@dataclass(frozen=True, slots=True)
class _Heard:
    status: int | None
    verdict: Action | Failure


class Caller:
    """Calls the extensions of one emulator's tenants."""

    def __init__(
        self, *, authority: str, clock: Clock, entropy: Entropy, tokens: Tokens, counts: Counts
    ) -> None:
        self._authority = authority
        self._clock = clock
        self._entropy = entropy
        self._tokens = tokens
        self._counts = counts
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._allowances: dict[str, SlidingWindow] = {}

    async def call(self, submission: Submission) -> tuple[Action | Failure, list[CallMade]]:
        """What the extension wants done, and every request that was made for it."""
        token = bearer_token(
            submission, tokens=self._tokens, authority=self._authority, entropy=self._entropy
        )
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        body = request_body(submission)
        made: list[CallMade] = []
        while True:
            heard = await self._request(submission, body, headers=headers, made=made)
            if not _worth_repeating(heard) or len(made) > submission.ready.retries:
                return heard.verdict, made
            submission, body = self._again(submission, body)

    def forget(self) -> None:
        """Starts with a full allowance again."""
        self._allowances.clear()

    async def close(self) -> None:
        """Lets go of all connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _again(self, submission: Submission, body: bytes) -> tuple[Submission, bytes]:
        match submission.tenant.options.retry_form:
            case "same_bytes":
                return submission, body
            case "encrypted_again":
                return submission, request_body(submission)
            case "new_nonce":
                renewed = submission.with_new_nonce(self._entropy)
                return renewed, request_body(renewed)

    async def _request(
        self, submission: Submission, body: bytes, *, headers: Mapping[str, str], made: list[CallMade]
    ) -> _Heard:
        if not self._may_call(submission.tenant):
            made.append(CallMade(None, 0, "", Failure.CUSTOM_EXTENSION_THROTTLING_ERROR))
            self._counts.ended(CALL, "throttled")
            return _Heard(None, Failure.CUSTOM_EXTENSION_THROTTLING_ERROR)
        self._counts.arrived(CALL)
        loop = asyncio.get_running_loop()
        began = loop.time()
        heard = await self._heard(submission, body, headers=headers)
        took_ms = round((loop.time() - began) * 1000)
        if isinstance(heard.verdict, Action):
            made.append(CallMade(heard.status, took_ms, heard.verdict.kind.value, None))
            self._counts.ended(CALL, heard.verdict.kind.value)
        else:
            made.append(CallMade(heard.status, took_ms, "", heard.verdict.value))
            self._counts.ended(CALL, heard.verdict.value)
        return heard

    async def _heard(self, submission: Submission, body: bytes, *, headers: Mapping[str, str]) -> _Heard:
        ready, tenant = submission.ready, submission.tenant
        try:
            async with (
                asyncio.timeout(ready.timeout_s),
                self._client(tenant).stream("POST", ready.target, content=body, headers=headers) as response,
            ):
                content = await _bounded(response)
        except TimeoutError:
            return _Heard(None, Failure.CUSTOM_EXTENSION_TIMED_OUT)
        except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError):
            return _Heard(None, Failure.CUSTOM_EXTENSION_CONNECTION_ERROR)
        if content is None:
            return _Heard(response.status_code, Failure.CUSTOM_EXTENSION_RESPONSE_SIZE_EXCEEDED)
        verdict = judge(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            body=content,
            nonce=submission.nonce,
            exact_casing=tenant.options.exact_action_casing,
        )
        return _Heard(response.status_code, verdict)

    def _may_call(self, tenant: Tenant) -> bool:
        amount = tenant.options.extension_calls_per_s
        allowance = self._allowances.get(tenant.tenant_id)
        if allowance is None or allowance.amount != amount:
            allowance = self._allowances[tenant.tenant_id] = SlidingWindow(amount=amount, period_s=1.0)
        now_s = self._clock.now_s()
        if allowance.wait_s(1, now_s=now_s) > 0:
            return False
        allowance.spend(1, now_s=now_s)
        return True

    def _client(self, tenant: Tenant) -> httpx2.AsyncClient:
        authorities = "\n".join(tenant.options.trusted_authorities)
        if authorities not in self._clients:
            context = ssl.create_default_context()
            if authorities:
                context.load_verify_locations(cadata=authorities)
            self._clients[authorities] = httpx2.AsyncClient(
                verify=context, trust_env=False, follow_redirects=False, timeout=None
            )
        return self._clients[authorities]


def _worth_repeating(heard: _Heard) -> bool:
    return heard.verdict in REPEATED or (heard.status is not None and heard.status >= SERVER_ERROR_STATUS)


async def _bounded(response: httpx2.Response) -> bytes | None:
    """The whole body, or None when there is more of it than a tenant takes."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > RESPONSE_BYTES_MAX:
            return None
        chunks.append(chunk)
    return b"".join(chunks)
