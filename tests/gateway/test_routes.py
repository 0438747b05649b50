"""Which service answers a path."""

from typing import Any

import pytest

from gateway.routes import Found, Route, RouteTable


def document(*paths: str, method: str = "get") -> dict[str, Any]:
    return {"paths": {path: {method: {}} for path in paths}}


TABLE = RouteTable(
    {
        "matters": document("/v1/matters/{matter_id}", "/v1/staff", "/v1/parked", "/readyz"),
        "messaging": {
            "paths": {"/v1/matters/{id}": {"delete": {}}, "/v1/parked/{id}": {"get": {}}}
        },
        "audit": document(
            "/v1/matters/{matter_id}/timeline",
            "/v1/record/log/tile/{path}",
            "/v1/record/entries/{index}",
            "/v1/record/entries/newest",
        ),
    }
)


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/matters/1", "matters"),
        ("/v1/matters/a%2Fb", "matters"),
        ("/v1/matters/1/timeline", "audit"),
        ("/v1/record/log/tile/0/x001/234.p/7", "audit"),
    ],
)
def test_a_path_goes_to_the_service_that_describes_it(path: str, service: str) -> None:
    route = TABLE.find("GET", path).route
    assert route is not None
    assert route.service == service


def test_a_literal_path_goes_before_one_with_a_parameter() -> None:
    newest = TABLE.find("GET", "/v1/record/entries/newest").route
    assert newest == Route("/v1/record/entries/newest", "audit")


@pytest.mark.parametrize(
    "path",
    [
        "/", "/v1/matters", "/v1/matters/", "/v1/matters/1/", "/v1/matters/..", "/v1/matters/./x",
        "/v1/staff/1", "/v1/staff\n", "/v1/record/log/tile/", "/v1/parked", "/v1/parked/1",
        "/readyz", "//v1/staff", "/V1/staff",
    ],
)  # fmt: skip
def test_what_nobody_describes_for_the_outside_is_unknown(path: str) -> None:
    assert TABLE.find("GET", path) == Found(None)


def test_only_what_says_so_itself_is_open() -> None:
    operations = {"get": {}, "post": {"security": []}, "put": {"security": [{"bearer": []}]}}
    table = RouteTable({"intake": {"paths": {"/v1/form": operations}}})
    found = {method: table.find(method, "/v1/form").route for method in ("GET", "POST", "PUT")}
    assert {method: route.open for method, route in found.items() if route} == {
        "GET": False,
        "POST": True,
        "PUT": False,
    }


def test_a_path_of_two_services_has_the_methods_of_both() -> None:
    assert TABLE.find("DELETE", "/v1/matters/1").route == Route("/v1/matters/{id}", "messaging")
    assert TABLE.find("PUT", "/v1/matters/1") == Found(None, frozenset({"GET", "DELETE"}))
