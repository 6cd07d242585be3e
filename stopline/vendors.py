"""config/vendors/*.yaml as typed data. Pure: text in, `Vendor` or a list of `Fault` out.

Every fault names the file, the line, what is wrong and, for an unknown key, the nearest valid one.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stopline.formats import account_id, arn_or_glob, canonical_id, iam_path, word


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Account = Annotated[str, AfterValidator(account_id)]
Arn = Annotated[str, AfterValidator(arn_or_glob)]


class AwsSelectors(_Strict):
    """How the vendor is recognised in AWS. Never by a fragment of a name.

    `tags` can be written by whoever may tag a principal, so they select but do not vouch.
    """

    accounts: tuple[Account, ...] = ()
    external_ids: tuple[str, ...] = ()
    paths: tuple[Annotated[str, AfterValidator(iam_path)], ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)
    principals: tuple[Arn, ...] = ()
    canonical_ids: tuple[Annotated[str, AfterValidator(canonical_id)], ...] = ()
    identity_providers: tuple[Arn, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing at all can be selected."""
        return self == AwsSelectors()


class Project(_Strict):
    """A project of the vendor, with selectors of its own; a scope can name it."""

    note: str = ""
    aws: AwsSelectors = AwsSelectors()


class Vendor(_Strict):
    """One outside organisation, as the lab knows it. `vendor` is the name that a person types."""

    vendor: Annotated[str, AfterValidator(word)]
    names: tuple[str, ...] = ()
    owner: str = ""
    note: str = ""
    aws: AwsSelectors = AwsSelectors()
    projects: dict[Annotated[str, AfterValidator(word)], Project] = Field(default_factory=dict)
    protected: tuple[Arn, ...] = ()
