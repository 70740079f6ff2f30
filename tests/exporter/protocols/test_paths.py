import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.paths import outline

OUTLINES = {
    "/": "/",
    "/products/42": "/products/{id}",
    "/products/42?page=3&token=x": "/products/{id}",
    "/products/42#part": "/products/{id}",
    "//products//42/": "/products/{id}",
    "/api/v1/users/550e8400-e29b-41d4-a716-446655440000": "/api/v1/users/{id}",
    "/files/d41d8cd98f00b204e9800998ecf8427e": "/files/{id}",
    "/x/01ARZ3NDEKTSV4RRFFQ69G5FAV": "/x/{id}",
    "/x/dQw4w9WgXcQ": "/x/{id}",
    "/x/ord_9f8e7d6c": "/x/{id}",
    "/x/item-42": "/x/{id}",
    "/x/4111-1111-1111-1111": "/x/{id}",
    "/x/deadbeefdeadbeef": "/x/{id}",
    "/x/XkQzRtWpLmNb": "/x/{id}",
    "/calendar/2024-05-17/events": "/calendar/{date}/events",
    "/users/john@example.com": "/users/{email}",
    "/users/john%40example.com": "/users/{email}",
    "/search/John%20Smith": "/search/{slug}",
    "/blog/how-to-mend-a-roof": "/blog/{slug}",
    "/p/iphone-15-pro-max": "/p/{slug}",
    "/x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc": "/x/{slug}",
    "/x/" + "a" * 100: "/x/{slug}",
    "/x/" + "a" * 40: "/x/{id}",
    "/x/ünïcode": "/x/{slug}",
    "/static/js/deep/app.3f2a9b.js": "/static/{file}",
    "/favicon.ico": "/{file}",
    "/42/avatar.png": "/{id}/{file}",
    "/index.php": "/index.php",
    "/report-2024.pdf": "/{id}.pdf",
    "/users/42.json": "/users/{id}.json",
    "/v2.1/oauth2/token": "/v2.1/oauth2/token",
    "/.well-known/openid-configuration": "/.well-known/openid-configuration",
    "/-/ready": "/-/ready",
    "/terms-of-use": "/terms-of-use",
    "/getUserByID": "/getUserByID",
    "/com.example.Orders/Place": "/com.example.Orders/Place",
    "/1/2/3/4/5/6/7/8/9/10": "/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{path}",
    "http://shop.example:8080/cart?id=7": "/cart",
    "http://shop.example": "/",
    "/cart;jsessionid=1A2B": "/cart",
    "*": "*",
    "shop.example:443": "",
    "": "",
}


@pytest.mark.parametrize(("target", "told"), OUTLINES.items(), ids=[target[:40] for target in OUTLINES])
def test_what_is_surely_a_parameter_is_outlined(target: str, told: str) -> None:
    assert outline(target.encode()) == told.encode()


@given(st.binary(max_size=3000))
def test_an_outline_is_short_plain_and_its_own(target: bytes) -> None:
    once = outline(target)
    assert len(once) <= 9 * 70
    assert once.isascii()
    assert once.decode().isprintable()
    assert outline(once.replace(b"{", b"").replace(b"}", b"")).count(b"/") <= once.count(b"/") + 1


@given(st.uuids(), st.integers(10**3, 10**18), st.binary(min_size=16, max_size=30))
def test_identifiers_are_never_told(uuid: object, number: int, token: bytes) -> None:
    for part in (str(uuid), str(number), token.hex(), f"cus_{token.hex()}"):
        assert part.encode() not in outline(f"/x/{part}/y".encode())
