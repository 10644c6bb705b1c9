"""msgraph-sdk, pointed at the emulator: its own middleware, azure-identity's token, HTTPS with the emulator's CA."""

import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from azure.identity import ClientSecretCredential
from tests.support.emulator import EmulatedTenant

with warnings.catch_warnings():
    # kiota and msgraph-sdk warn about their own generated classes while they are imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from kiota_authentication_azure.azure_identity_authentication_provider import (
        AzureIdentityAuthenticationProvider,
    )
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError
    from msgraph.generated.models.object_identity import ObjectIdentity
    from msgraph.generated.models.password_profile import PasswordProfile
    from msgraph.generated.models.user import User
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder
    from msgraph_core import GraphClientFactory, PageIterator
    from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
    from msgraph_core.requests.batch_request_content import BatchRequestContent
    from msgraph_core.requests.batch_request_item import BatchRequestItem

__all__ = [
    "BatchRequestBuilder",
    "BatchRequestContent",
    "BatchRequestItem",
    "GraphServiceClient",
    "ODataError",
    "PageIterator",
    "RequestConfiguration",
    "User",
    "UsersRequestBuilder",
    "graph_of",
    "local_user",
]

SCOPE = "https://graph.microsoft.com/.default"


@asynccontextmanager
async def graph_of(tenant: EmulatedTenant) -> AsyncIterator[GraphServiceClient]:
    """A client of this tenant; its connections are closed at the end."""
    context = ssl.create_default_context(cafile=tenant.ca_file)
    # The factory puts its middleware in front of this transport and forgets to close it.
    transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(transport=transport, trust_env=False)
    )
    credential = ClientSecretCredential(
        tenant.tenant_id,
        tenant.client_id,
        tenant.client_secret,
        authority=tenant.authority,
        disable_instance_discovery=True,
        connection_verify=tenant.ca_file,
    )
    who = AzureIdentityAuthenticationProvider(credential, scopes=[SCOPE], allowed_hosts=["localhost"])
    adapter = GraphRequestAdapter(who, client=http)
    adapter.base_url = f"{tenant.graph_https}/v1.0"
    try:
        yield GraphServiceClient(request_adapter=adapter)
    finally:
        await transport.aclose()
        await http.aclose()
        credential.close()


def local_user(tenant: EmulatedTenant, sign_in_name: str, display_name: str) -> User:
    """A customer account with an e-mail address, as the SDK's own objects."""
    return User(
        account_enabled=True,
        display_name=display_name,
        identities=[
            ObjectIdentity(sign_in_type="emailAddress", issuer=tenant.domain, issuer_assigned_id=sign_in_name)
        ],
        mail=sign_in_name if tenant.kind == "external" else None,
        password_policies="DisablePasswordExpiration",
        password_profile=PasswordProfile(password="Zq7#mWv2!k", force_change_password_next_sign_in=False),
    )
