"""Lists of what has a name and a policy: by project, by place, by what it lies in."""

import pytest
from googleapiclient.errors import HttpError
from support.google_lab import EVE, LAB, OPERATOR, STRANGER

from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource
from stopline.text import Json

KEYS = "//cloudkms.googleapis.com/projects/lab/locations/eu/keyRings"


@pytest.fixture
def kept(google: Google) -> Google:
    """Two key rings in one place, a key in one of them, and one ring elsewhere."""
    elsewhere = KEYS.replace("/eu/", "/us/")
    for name in (f"{KEYS}/a", f"{KEYS}/b", f"{elsewhere}/c"):
        google.state.add(Resource(name, "cloudkms.googleapis.com/KeyRing", LAB))
    key = f"{KEYS}/a/cryptoKeys/k"
    google.state.add(Resource(key, "cloudkms.googleapis.com/CryptoKey", f"{KEYS}/a"))
    return google


def names(method: Json, field: str, **words: Json) -> list[str]:
    """All pages of a list."""
    request, found = method.list(**words), []
    while request is not None:
        answer = request.execute()
        found += [one["name"] for one in answer.get(field, [])]
        request = method.list_next(request, answer)
    return found


def test_a_list_is_of_one_place_and_of_one_level(kept: Google) -> None:
    """Page by page; a key is in the list of its ring, and a ring in that of its place."""
    kept.state.page_limit, kept.state.empty_pages = 1, True
    rings = kept.client("cloudkms", "v1", OPERATOR).projects().locations().keyRings()
    where = "projects/lab/locations/eu"
    assert names(rings, "keyRings", parent=where) == [f"{where}/keyRings/{n}" for n in "ab"]
    ring = f"{where}/keyRings/a"
    assert names(rings.cryptoKeys(), "cryptoKeys", parent=ring) == [f"{ring}/cryptoKeys/k"]
    places = kept.client("cloudkms", "v1", OPERATOR).projects().locations()
    assert {where, "projects/lab/locations/us"} < set(
        names(places, "locations", name="projects/lab")
    )


def test_a_list_is_for_who_may_list(kept: Google) -> None:
    """Unlike BigQuery, these services refuse."""
    for who, code in ((STRANGER, 403), (EVE, 200)):
        rings = kept.client("cloudkms", "v1", who).projects().locations().keyRings()
        request = rings.list(parent="projects/lab/locations/eu")
        if code == 200:
            assert len(request.execute()["keyRings"]) == 2
            continue
        with pytest.raises(HttpError) as found:
            request.execute()
        assert found.value.resp.status == code


def test_a_service_that_is_off_says_so_and_where(kept: Google) -> None:
    """In the newer form with the project's number, in the older with a reason of its own."""
    kept.state.services_off = {
        ("lab", "cloudkms.googleapis.com"),
        ("lab", "bigquery.googleapis.com"),
    }
    rings = kept.client("cloudkms", "v1", EVE).projects().locations().keyRings()
    with pytest.raises(HttpError) as found:
        rings.list(parent="projects/lab/locations/eu").execute()
    assert b'"consumer": "projects/77"' in found.value.content
    datasets = kept.client("bigquery", "v2", EVE).datasets()
    with pytest.raises(HttpError) as found:
        datasets.list(projectId="lab").execute()
    assert b'"accessNotConfigured"' in found.value.content
    assert b"in project 77 before" in found.value.content
