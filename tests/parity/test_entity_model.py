"""Answers about users against Graph's own entity model. It proves the shape of answers, and nothing else."""

import base64
import datetime as dt
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp, federated
from tests.support.outside_data import outside_data

from idferry.emulator.graph.attributes import ATTRIBUTES

MODEL = "graph/v1.0-Prod.csdl"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"

Properties = dict[str, tuple[str, bool]]


class EntityModel:
    """Names, types and nullability of the structured types in a CSDL document."""

    def __init__(self, path: Path) -> None:
        schema = ET.parse(path).getroot().find(f".//{EDM}Schema[@Namespace='microsoft.graph']")  # noqa: S314  our own file
        assert schema is not None
        self._types = {
            node.attrib["Name"]: node
            for node in schema
            if node.tag in (f"{EDM}EntityType", f"{EDM}ComplexType")
        }

    def properties(self, name: str) -> Properties:
        """Type and nullability by name, those of base types included."""
        node = self._types[name]
        found: Properties = {}
        base = node.get("BaseType")
        if base is not None:
            found |= self.properties(base.removeprefix("graph."))
        for row in node.findall(f"{EDM}Property"):
            found[row.attrib["Name"]] = (row.attrib["Type"], row.get("Nullable") != "false")
        return found

    def faults(self, name: str, value: dict[str, Any], *, open_names: tuple[str, ...] = ()) -> list[str]:
        """What is wrong with this value of the named type."""
        known, wrong = self.properties(name), []
        for key, item in value.items():
            if key.startswith("@odata.") or key.startswith(open_names):
                continue
            if key not in known:
                wrong.append(f"{name}.{key} does not exist")
            elif item is None:
                if not known[key][1]:
                    wrong.append(f"{name}.{key} is null")
            else:
                wrong += self._item_faults(f"{name}.{key}", known[key][0], item)
        return wrong

    def _item_faults(self, where: str, edm_type: str, item: Any) -> list[str]:
        if edm_type.startswith("Collection("):
            inner = edm_type[len("Collection(") : -1]
            if not isinstance(item, list):
                return [f"{where} is no array"]
            return [fault for row in item for fault in self._item_faults(where, inner, row)]
        if edm_type.startswith("graph."):
            return (
                self.faults(edm_type.removeprefix("graph."), item)
                if isinstance(item, dict)
                else [f"{where} is no object"]
            )
        return [] if _fits(edm_type, item) else [f"{where} is no {edm_type}: {item!r}"]


def _fits(edm_type: str, item: Any) -> bool:
    if edm_type == "Edm.Boolean":
        return isinstance(item, bool)
    if edm_type in ("Edm.Int32", "Edm.Int64"):
        return isinstance(item, int) and not isinstance(item, bool)
    if not isinstance(item, str):
        return False
    if edm_type == "Edm.DateTimeOffset":
        return dt.datetime.fromisoformat(item).tzinfo is not None
    if edm_type == "Edm.Binary":
        return bool(base64.b64decode(item, validate=True))
    return edm_type in ("Edm.String", "Edm.Guid")


@pytest.fixture(scope="module")
def model() -> EntityModel:
    path = outside_data(MODEL, criterion="every answer about users is valid against Graph's entity model")
    return EntityModel(path)


@pytest.mark.documented("https://github.com/microsoftgraph/msgraph-metadata")
def test_answers_about_users(emulator: Emulator, graph: GraphHttp, model: EntityModel) -> None:
    """Every answer about users has the names and types of the v1.0 entity model."""
    extension = graph.declare("legacyId")
    rich = {
        "mail": "m@example.org", "otherMails": ["o@example.org"], "businessPhones": ["1"], "ageGroup": "Adult",
        "usageLocation": "DE", "givenName": "Ann", "mailNickname": "ann", extension: "1",
    }  # fmt: skip
    created = graph.post("/users", graph.tenant.local_account("ann@example.org", **rich)).json()
    social = graph.post("/users", {"displayName": "Bob", "identities": [federated("google.com", "1")]}).json()
    emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")
    everything = ",".join([*ATTRIBUTES, extension])
    answers = [created, social, graph.read(created["id"])]
    answers += [graph.get(f"/users/{row['id']}", select=everything).json() for row in (created, social)]
    answers += graph.get("/users", select=everything).json()["value"]
    graph.delete(f"/users/{created['id']}")
    answers += graph.get("/directory/deletedItems/microsoft.graph.user").json()["value"]
    answers.append(graph.http.post(f"/v1.0/directory/deletedItems/{created['id']}/restore").json())
    assert [
        fault for answer in answers for fault in model.faults("user", answer, open_names=("extension_",))
    ] == []
    assert len(answers) == 9


@pytest.mark.documented("https://github.com/microsoftgraph/msgraph-metadata")
def test_answers_about_the_tenant(graph: GraphHttp, model: EntityModel) -> None:
    """Answers about applications, extension properties and the organization fit the model as well."""
    graph.declare("legacyId")
    path = f"/applications(appId='{graph.tenant.extension_app_id}')"
    application = graph.get(path).json()
    row = graph.get(f"{path}/extensionProperties").json()["value"][0]
    organization = graph.get("/organization").json()["value"][0]
    assert model.faults("application", application) == []
    assert model.faults("extensionProperty", row) == []
    assert model.faults("organization", organization) == []


@pytest.mark.assumed("a test that cannot fail proves nothing")
def test_the_walk_finds_faults(model: EntityModel) -> None:
    """The walk notices unknown names, wrong types, nulls where none may be, and faults inside collections."""
    wrong = {
        "id": None,
        "nickName": "x",
        "accountEnabled": "yes",
        "otherMails": [1],
        "createdDateTime": "2026-11-20T09:06:39",
        "identities": [{"signInType": "federated", "issuerId": "x"}],
    }
    assert len(model.faults("user", wrong)) == 6
