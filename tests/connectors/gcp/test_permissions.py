"""The custom roles are what the connector declares, and Google knows each permission."""

import json

from googleapiclient.discovery_cache import get_static_doc
from support import permissions
from support.tree import ROOT

from stopline.connectors.gcp.permissions import _BY_METHOD, READ, TERMINATE, WRITE, roles
from stopline.text import Json


def test_the_files_are_fresh() -> None:
    """config/permissions/gcp holds what the declaration makes; `make permissions` writes it."""
    assert permissions.stale(ROOT / permissions.GCP) == []


def test_each_declared_method_is_one_of_googles() -> None:
    """A method that no discovery document has would be a slip that only a night shows."""
    for method in _BY_METHOD:
        api, version, path = method.split("/")
        document: Json = json.loads(get_static_doc(api, version))
        *resources, verb = path.split(".")
        for name in resources:
            document = document["resources"][name]
        assert verb in document["methods"], method


def test_the_role_that_reads_writes_nothing() -> None:
    """What it may is to get, to list, and to read policies."""
    assert not READ & WRITE
    verbs = {permission.rpartition(".")[2] for permission in roles()["read"]["includedPermissions"]}
    assert verbs == {"get", "list", "getIamPolicy", "searchAllIamPolicies"}
    assert set(roles()["worker"]["includedPermissions"]) == READ | WRITE


def test_only_a_role_of_its_own_deletes_keys() -> None:
    """A lab can leave it out: what it deletes cannot be given back."""
    assert set(roles()["terminate"]["includedPermissions"]) == TERMINATE
    assert not TERMINATE & (READ | WRITE)
