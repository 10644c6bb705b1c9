"""An emulator without a clock of its own: now is what a request says, and answers say how long they took."""

import threading
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx2
import pytest
from tests.support.emulator import EmulatedTenant, Emulator, running_emulator

NEVER_MEASURED = "programs in stepped time need a tenant whose time they own; nobody measured real latencies"
EPOCH_S = 1_800_000_000.0


@pytest.fixture(scope="module")
def stepped_process() -> Iterator[Emulator]:
    with running_emulator(tenant_kind="b2c", time_from="from-requests") as running:
        yield running


@pytest.fixture
def stepped(stepped_process: Emulator) -> Emulator:
    stepped_process.reset()
    return stepped_process


@pytest.fixture
def tenant(stepped: Emulator) -> EmulatedTenant:
    return stepped.tenant("b2c")


class Client:
    """Calls at moments of its own choice."""

    def __init__(self, tenant: EmulatedTenant) -> None:
        self.tenant = tenant
        self.http = httpx2.Client(base_url=tenant.graph_http, trust_env=False)
        self.headers: dict[str, str] = {}

    def sign_in(self, at_s: float) -> httpx2.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.tenant.client_id,
            "client_secret": self.tenant.client_secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        answer = self.http.post(self.tenant.token_path, data=form, headers=told(at_s))
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return answer

    def get(self, path: str, at_s: float | None = None) -> httpx2.Response:
        return self.http.get(f"/v1.0{path}", headers={**self.headers, **told(at_s)})

    def create(self, name: str, at_s: float) -> httpx2.Response:
        body = self.tenant.local_account(name)
        return self.http.post("/v1.0/users", json=body, headers={**self.headers, **told(at_s)})


def told(at_s: float | None) -> dict[str, str]:
    return {} if at_s is None else {"x-emulator-now": f"{at_s:.6f}"}


@pytest.fixture
def client(tenant: EmulatedTenant) -> Iterator[Client]:
    client = Client(tenant)
    yield client
    client.http.close()


@pytest.mark.assumed(NEVER_MEASURED)
def test_now_is_what_the_request_says(client: Client, stepped: Emulator) -> None:
    """The date of an answer, the time stamp of an account and the control API follow the requests."""
    client.sign_in(EPOCH_S)
    answer = client.create("ann@example.org", EPOCH_S + 100)
    assert parsedate_to_datetime(answer.headers["date"]).timestamp() == EPOCH_S + 100
    (kept,) = stepped.dump(client.tenant)
    assert kept["createdDateTime"] == "2027-01-15T08:01:40Z"
    clock = stepped.get("clock")
    assert (clock["epoch_s"], clock["from"]) == (EPOCH_S + 100, "requests")


@pytest.mark.assumed(NEVER_MEASURED)
def test_time_never_goes_back(client: Client, stepped: Emulator) -> None:
    """An earlier request, or one that says nothing, happens at the latest moment that was told."""
    client.sign_in(EPOCH_S)
    client.get("/users", EPOCH_S + 50)
    for at_s in (EPOCH_S + 10, None):
        client.get("/users", at_s)
        assert stepped.get("clock")["epoch_s"] == EPOCH_S + 50


@pytest.mark.assumed(NEVER_MEASURED)
def test_answers_say_how_long_they_took(client: Client, stepped: Emulator) -> None:
    """Tokens and calls take the latency that was set; a slow fault comes on top; nothing is really waited for."""
    stepped.post("latency", {"base_ms": 300, "jitter_ms": 100, "seed": 7})
    stepped.faults({"operation": "users.list", "kind": "slow", "delay_ms": 5_000_000.0, "count": 1})
    answers = [client.sign_in(EPOCH_S), client.get("/users", EPOCH_S), client.get("/users", EPOCH_S)]
    took = [float(answer.headers["x-emulator-took"]) for answer in answers]
    assert all(0.3 <= seconds <= 0.4 for seconds in (took[0], took[2]))
    assert 5000.3 <= took[1] <= 5000.4
    assert len(set(took)) == 3


@pytest.mark.assumed(NEVER_MEASURED)
def test_the_same_seed_gives_the_same_latencies(client: Client, stepped: Emulator) -> None:
    """One connection hears the same story twice."""

    def story() -> list[str]:
        stepped.reset()
        stepped.post("latency", {"base_ms": 100, "jitter_ms": 900, "seed": 3})
        client.sign_in(EPOCH_S)
        return [client.get("/users", EPOCH_S + n).headers["x-emulator-took"] for n in range(20)]

    first = story()
    assert story() == first
    assert len(set(first)) > 10


@pytest.mark.assumed(NEVER_MEASURED)
def test_tokens_expire_by_the_requests(client: Client) -> None:
    """A token is refused once a request says that its hour is over."""
    client.sign_in(EPOCH_S)
    assert client.get("/users", EPOCH_S + 3598).status_code == 200
    assert client.get("/users", EPOCH_S + 3600).status_code == 401


@pytest.mark.assumed(NEVER_MEASURED)
def test_lag_follows_the_requests(client: Client, stepped: Emulator) -> None:
    """A new account shows when the requests say that its lag is over."""
    stepped.lag(get_s=[30, 30], filter_s=[30, 30])
    client.sign_in(EPOCH_S)
    object_id = client.create("ann@example.org", EPOCH_S).json()["id"]
    assert client.get(f"/users/{object_id}", EPOCH_S + 29).status_code == 404
    assert client.get(f"/users/{object_id}", EPOCH_S + 31).status_code == 200


@pytest.mark.assumed(NEVER_MEASURED)
def test_allowances_follow_the_requests(client: Client, stepped: Emulator) -> None:
    """A spent allowance refills when the requests say so."""
    stepped.throttle(profile="published", limits={"app_writes": [5, 10]})
    client.sign_in(EPOCH_S)
    statuses = [client.create(f"p{n}@example.org", EPOCH_S).status_code for n in range(7)]
    assert statuses == [201] * 5 + [429] * 2
    assert client.create("later@example.org", EPOCH_S + 2.1).status_code == 201
    assert client.create("too.soon@example.org", EPOCH_S + 2.1).status_code == 429


@pytest.mark.assumed(NEVER_MEASURED)
def test_a_damaged_answer_says_it_too(client: Client, stepped: Emulator) -> None:
    """What is written past the server carries the header as well."""
    stepped.post("latency", {"base_ms": 250})
    client.sign_in(EPOCH_S)
    stepped.faults({"operation": "users.list", "kind": "cut_json", "count": 1})
    assert float(client.get("/users", EPOCH_S).headers["x-emulator-took"]) == 0.25


@pytest.mark.assumed(NEVER_MEASURED)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {"advance_s": 5}),
        ("clock", {"speed": 2}),
        ("faults", {"rules": [{"kind": "trickle", "delay_ms": 5}]}),
    ],
)
def test_what_needs_a_clock_is_refused(stepped: Emulator, path: str, body: dict[str, object]) -> None:
    """Moving the clock, and bytes that trickle."""
    answer = httpx2.post(f"{stepped.control_url}/{path}", json=body, trust_env=False)
    assert answer.status_code == 400
    assert "requests" in answer.json()["error"]


@pytest.mark.assumed(NEVER_MEASURED)
def test_latency_is_refused_where_time_is_real(emulator: Emulator) -> None:
    """An emulator with a clock of its own takes as long as it takes."""
    answer = httpx2.post(f"{emulator.control_url}/latency", json={"base_ms": 1}, trust_env=False)
    assert answer.status_code == 400
    assert emulator.get("clock")["from"] == "system"


@pytest.mark.assumed(NEVER_MEASURED)
def test_requests_at_once_each_say_their_own_time(client: Client, stepped: Emulator) -> None:
    """A slow answer slows nobody else's."""
    client.sign_in(EPOCH_S)
    stepped.faults({"operation": "users.list", "kind": "slow", "delay_ms": 9000, "rate": 0.5}, seed=1)
    found: list[float] = []

    def ask() -> None:
        for _ in range(20):
            answer = client.get("/users", EPOCH_S)
            found.append(float(answer.headers["x-emulator-took"]))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {0.0, 9.0}
