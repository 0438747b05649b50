"""One document of all services."""

from typing import Any

from gateway.documents import merged

OWN: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {"/healthz": {"get": {"responses": {"200": {"description": "OK"}}}}},
}


def described(path: str, **schemas: Any) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{next(iter(schemas))}"}
    answer = {"description": "OK", "content": {"application/json": {"schema": reference}}}
    invalid = {"$ref": "#/components/schemas/HTTPValidationError"}
    operation = {
        "security": [{"HTTPBearer": []}],
        "responses": {"200": answer, "422": {"content": {"application/json": {"schema": invalid}}}},
    }
    return {
        "paths": {path: {"post": operation}, "/v1/parked": {"get": {}}, "/readyz": {"get": {}}},
        "components": {"schemas": schemas | {"HTTPValidationError": {}}},
    }


def schema_of(document: dict[str, Any], path: str) -> Any:
    answer = document["paths"][path]["post"]["responses"]["200"]
    return answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]


def test_schemas_are_renamed_only_where_two_services_mean_different_things() -> None:
    same = {"type": "object"}
    document = merged(
        OWN,
        {
            "matters": described("/v1/a", Page=same, Shown={"type": "string"}),
            "sla-monitor": described("/v1/b", Shown={"type": "integer"}, Page=same),
        },
    )
    assert schema_of(document, "/v1/b") == "SlaMonitorShown"
    assert document["components"]["schemas"]["SlaMonitorShown"] == {"type": "integer"}
    assert document["components"]["schemas"]["Shown"] == {"type": "string"}
    assert "SlaMonitorPage" not in document["components"]["schemas"]


def test_a_schema_that_refers_to_a_renamed_one_is_renamed_with_it() -> None:
    outer = {"items": {"$ref": "#/components/schemas/Inner"}}
    document = merged(
        OWN,
        {
            "matters": described("/v1/a", Outer=outer, Inner={"type": "string"}),
            "audit": described("/v1/b", Outer=outer, Inner={"type": "integer"}),
        },
    )
    assert schema_of(document, "/v1/a") == "Outer"
    assert schema_of(document, "/v1/b") == "AuditOuter"
    renamed = document["components"]["schemas"]["AuditOuter"]
    assert renamed == {"items": {"$ref": "#/components/schemas/AuditInner"}}


def test_refusals_are_problems_and_operators_paths_are_left_out() -> None:
    document = merged(OWN, {"matters": described("/v1/a", Shown={"type": "string"})})
    assert set(document["paths"]) == {"/healthz", "/v1/a"}
    operation = document["paths"]["/v1/a"]["post"]
    assert "security" not in operation
    assert document["security"] == [{"bearer": []}]
    assert document["paths"]["/healthz"]["get"]["security"] == []
    assert operation["responses"]["422"] == {"$ref": "#/components/responses/Problem422"}
    assert {"401", "403", "404", "409", "412", "413", "429"} <= operation["responses"].keys()
    assert "HTTPValidationError" not in document["components"]["schemas"]
