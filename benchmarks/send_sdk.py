"""Create the people of an export with msgraph-sdk, one by one or in its batches.

Takes the export, the server's address, how many people, and `single` or `batch`. Prints its CPU seconds without the
interpreter's start and the imports. No tokens are asked for and no TLS is spoken: all of that would cost it more.
"""

import asyncio
import sys
import time
import warnings
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import msgspec
from kiota_abstractions.authentication.anonymous_authentication_provider import (
    AnonymousAuthenticationProvider,
)

with warnings.catch_warnings():
    # kiota and msgraph-sdk warn about their own generated classes while they are imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph.generated.models.object_identity import ObjectIdentity
    from msgraph.generated.models.password_profile import PasswordProfile
    from msgraph.generated.models.user import User
    from msgraph_core import GraphClientFactory
    from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
    from msgraph_core.requests.batch_request_content import BatchRequestContent
    from msgraph_core.requests.batch_request_item import BatchRequestItem

APP = "extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_"
DOMAIN = "contoso.onmicrosoft.com"
BATCH_SIZE = 20


def user_of(person: dict[str, Any]) -> User:
    """The account that the product would create of this record."""
    attributes = person["attributes"]
    user = User(
        account_enabled=True,
        display_name=person["displayName"],
        identities=[
            ObjectIdentity(
                sign_in_type="emailAddress", issuer=DOMAIN, issuer_assigned_id=person["signInName"]
            )
        ],
        given_name=person["givenName"],
        surname=person["surname"],
        other_mails=[person["email"]],
        city=attributes["city"],
        password_policies="DisablePasswordExpiration",  # noqa: S106  the name of a policy
        password_profile=PasswordProfile(
            password=person.get("password", "Some-Password-1"), force_change_password_next_sign_in=False
        ),
    )
    user.additional_data = {
        APP + "loyaltyNumber": attributes["loyaltyNumber"],
        APP + "newsletter": attributes["newsletter"],
        APP + "legacyId": f"contoso:people:{person['key']}",
    }
    return user


async def create_one_by_one(graph: GraphServiceClient, people: Sequence[dict[str, Any]]) -> None:
    """One request for each."""
    for person in people:
        created = await graph.users.post(user_of(person))
        if created is None or created.id is None:
            raise SystemExit("somebody was not created")


async def create_in_batches(graph: GraphServiceClient, people: Sequence[dict[str, Any]]) -> None:
    """One `$batch` for 20, as the SDK builds it."""
    for start in range(0, len(people), BATCH_SIZE):
        content = BatchRequestContent()
        for place, person in enumerate(people[start : start + BATCH_SIZE]):
            creation = graph.users.to_post_request_information(user_of(person))
            content.add_request(str(place), BatchRequestItem(creation, id=str(place)))
        answer = await BatchRequestBuilder(graph.request_adapter).post(content)
        statuses = answer.get_response_status_codes()
        if any(statuses[place] != 201 for place in content.requests):
            raise SystemExit("somebody was not created")


async def run(address: str, people: Sequence[dict[str, Any]], how: str) -> None:
    """Create them all on one connection."""
    transport = httpx.AsyncHTTPTransport()
    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(transport=transport, trust_env=False)
    )
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=http)
    adapter.base_url = f"{address}/v1.0"
    graph = GraphServiceClient(request_adapter=adapter)
    create = create_one_by_one if how == "single" else create_in_batches
    began = time.process_time()
    await create(graph, people)
    print(time.process_time() - began)
    await transport.aclose()
    await http.aclose()


def main(export: str, address: str, count: str, how: str) -> None:
    """Read the people, then create them."""
    with Path(export).open("rb") as lines:
        people = list(islice(map(msgspec.json.decode, lines), int(count)))
    warnings.simplefilter("ignore", DeprecationWarning)  # whenever one of its own classes is touched
    asyncio.run(run(address, people, how))


main(*sys.argv[1:])
