"""Permissions of Lake Formation for the vendor's accounts: a row of the table of shares. Pure.

One catalog of an account in a region is one document: no call shows the permissions on one thing
in all their shapes. Each is taken away word for word as it is listed, and granted so again. What
IAM alone decides (`IAM_ALLOWED_PRINCIPALS`) is nobody's in particular: the policy of the catalog
has that. Opt-ins of the hybrid mode stay: without them IAM alone would decide.
https://docs.aws.amazon.com/lake-formation/latest/dg/cross-account-permissions.html
"""

from collections.abc import Iterator

from stopline.connectors.aws.kinds import FOREVER, Call, Edit, Entry, Share, Where
from stopline.text import Json, canonical, sha256

_LISTS = ("Permissions", "PermissionsWithGrantOption")
_GROUP = ":IAMPrincipals"
"""What follows the number of an account all of whose principals are meant."""
_ALL_TABLES = "ALL_TABLES"
"""How a list calls all tables of a database; a table's own name has no capitals."""
HIDDEN = (
    "is no administrator of Lake Formation there, which shows others' permissions to its "
    "administrators alone: make it a read-only administrator, and what writes an administrator"
)

_ANEW = (
    "given back, the vendor must hand on to its own people anew what it had handed on, and an "
    "account outside of the organisation must accept an invitation of RAM's anew"
)


def permissions(page: Json) -> Iterator[Entry]:
    """Each permission of a principal on something, in no order."""
    for item in page.get("PrincipalResourcePermissions") or ():
        who = str((item.get("Principal") or {}).get("DataLakePrincipalIdentifier") or "")
        state = {key: item[key] for key in ("Principal", "Resource", "Condition") if item.get(key)}
        told = sha256(canonical(state))[:12]
        state |= {key: sorted(map(str, item.get(key) or ())) for key in _LISTS}
        whole = who and state.get("Resource") and state["Permissions"]
        yield Entry(f"{who}/{told}", who.removesuffix(_GROUP) if whole else "", state)


def _worded(_: Where, entry: Json) -> Json:
    said = {key: value for key, value in entry.items() if value}
    return {**said, "Resource": _taken(entry["Resource"])}


def _taken(resource: Json) -> Json:
    """Something as a grant takes it: all tables are listed by a name that none has.

    Rights to read are listed as of all their columns even so, and are granted with the others.
    https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_TableResource.html
    """
    (kind, said), *_ = resource.items()
    all_columns = said.get("ColumnWildcard") == {}
    if said.get("Name") != _ALL_TABLES or not (kind == "Table" or all_columns):
        return resource
    kept = {key: said[key] for key in ("CatalogId", "DatabaseName") if key in said}
    return {"Table": {**kept, "TableWildcard": {}}}


def about(entry: Json) -> str:
    """On what, for who approves it: its kind and what names it."""
    (kind, said), *_ = entry["Resource"].items()
    named = "/".join(v for k, v in said.items() if isinstance(v, str) and "CatalogId" not in k)
    return f": {', '.join(entry['Permissions'])} on {kind} {named}".rstrip()


def is_administrator(settings: Json, ours: str) -> bool:
    """Whether a role is one, or nobody is: then only RAM shares anything, which shows it itself.

    https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_DataLakeSettings.html
    """
    said = settings.get("DataLakeSettings") or {}
    both = (*(said.get("DataLakeAdmins") or ()), *(said.get("ReadOnlyAdmins") or ()))
    arns = {str(one.get("DataLakePrincipalIdentifier") or "") for one in both}
    return not arns or ours in arns


LAKE_PERMISSIONS = Share(
    # https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_RevokePermissions.html
    kind="lake-permission",
    contains="lake-permissions",
    what="Lake Formation catalog",
    service="lakeformation",
    alone="catalog",
    listing="",
    items="",
    name=str,
    # https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_ListPermissions.html
    get=Call("list_permissions", lambda _w, _: {"MaxResults": 1000}),
    entries=permissions,
    about=about,
    shown_to=(Call("get_data_lake_settings", lambda _w, _: {}), is_administrator, HIDDEN),
    give=Edit("grant_permissions", _worded),
    take=Edit("revoke_permissions", _worded),
    arn="arn:aws:glue:{region}:{account}:{name}",
    outlives=(
        # https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_GetTemporaryGlueTableCredentials.html
        ("credentials that Lake Formation has handed out already", "PT12H"),
        ("what the vendor has copied out of the tables", FOREVER),
        (_ANEW, "until the vendor has, after the rollback"),
    ),
    looked=False,
)
