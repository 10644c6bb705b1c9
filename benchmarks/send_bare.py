"""The smallest loop that posts the batches the product posts: same export, same HTTP library, no ledger, no threads.

Takes the export and the server's address; prints its CPU seconds and its wall seconds without the interpreter's start.
"""

import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2
import msgspec

APP = "extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_"
DOMAIN = "contoso.onmicrosoft.com"
BATCH_SIZE = 20
READ_BUFFER_BYTES = 1024 * 1024


def body_of(person: dict[str, Any]) -> dict[str, Any]:
    """The account that the product would create of this record."""
    attributes = person["attributes"]
    body = {
        "accountEnabled": True,
        "displayName": person["displayName"],
        "identities": [
            {"signInType": "emailAddress", "issuer": DOMAIN, "issuerAssignedId": person["signInName"]}
        ],
        "givenName": person["givenName"],
        "surname": person["surname"],
        "otherMails": [person["email"]],
        "city": attributes["city"],
        APP + "loyaltyNumber": attributes["loyaltyNumber"],
        APP + "newsletter": attributes["newsletter"],
        APP + "legacyId": f"contoso:people:{person['key']}",
        "passwordPolicies": "DisablePasswordExpiration",
        "passwordProfile": {
            "password": person.get("password", "Some-Password-1"),
            "forceChangePasswordNextSignIn": False,
        },
    }
    if "password" not in person:
        body[APP + "requiresMigration"] = True
    return body


def main(export: str, address: str) -> None:
    """Post everybody."""
    began, began_s = time.process_time(), time.perf_counter()
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    headers = {"Authorization": "Bearer a-token", "Content-Type": "application/json"}
    with (
        Path(export).open("rb", buffering=READ_BUFFER_BYTES) as lines,
        httpx2.Client(headers=headers, trust_env=False) as http,
    ):
        people = map(decode, lines)
        while chunk := list(islice(people, BATCH_SIZE)):
            requests = [
                {
                    "id": str(place),
                    "method": "POST",
                    "url": "/users",
                    "headers": {"Content-Type": "application/json"},
                    "body": body_of(person),
                }
                for place, person in enumerate(chunk)
            ]
            reply = http.post(f"{address}/v1.0/$batch", content=encode({"requests": requests}))
            answers = decode(reply.content)["responses"][: len(chunk)]
            if any(answer["status"] != 201 for answer in answers):
                raise SystemExit("somebody was not created")
    print(time.process_time() - began, time.perf_counter() - began_s)


main(*sys.argv[1:])
