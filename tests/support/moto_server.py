"""moto's imitation of AWS on loopback, in a process of its own, with one Cognito user pool."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore.session

REGION = "eu-central-1"
START_SECONDS_MAX = 30


@dataclass(frozen=True)
class MotoPool:
    """A user pool, and two app clients of it: one with a secret, one without."""

    url: str
    user_pool_id: str
    client_id: str
    client_with_secret: str
    client_secret: str
    api: Any


@contextmanager
def running_moto(people: Mapping[str, str]) -> Iterator[MotoPool]:
    """A pool with these people, name -> permanent password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    try:
        _wait(process, port)
        yield _pool(f"http://127.0.0.1:{port}", people)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _pool(url: str, people: Mapping[str, str]) -> MotoPool:
    api = botocore.session.get_session().create_client(
        "cognito-idp",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="not",
        aws_secret_access_key="real",
    )
    pool = api.create_user_pool(PoolName="old")["UserPool"]["Id"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    plain = api.create_user_pool_client(UserPoolId=pool, ClientName="plain", ExplicitAuthFlows=flows)
    secret = api.create_user_pool_client(
        UserPoolId=pool, ClientName="secret", ExplicitAuthFlows=flows, GenerateSecret=True
    )["UserPoolClient"]
    for name, password in people.items():
        api.admin_create_user(UserPoolId=pool, Username=name)
        api.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
    client_id = plain["UserPoolClient"]["ClientId"]
    return MotoPool(url, pool, client_id, secret["ClientId"], secret["ClientSecret"], api)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while True:
        assert process.poll() is None, "moto ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < until, "moto does not start"
        time.sleep(0.05)
