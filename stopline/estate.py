"""config/estate.yaml as typed data: what the lab runs, and what no plan may ever touch. Pure."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stopline.formats import account_id, arn_or_glob

Account = Annotated[str, AfterValidator(account_id)]
Arn = Annotated[str, AfterValidator(arn_or_glob)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AwsAccount(_Strict):
    """One account of the lab. `role` overrides the estate's role name (with path) here."""

    name: str = ""
    role: str = ""


class AwsEstate(_Strict):
    """The lab's AWS accounts and the role that stopline assumes in each of them.

    `role` is the role's name with its path but without the leading slash
    (`stopline/stopline-worker`); empty means: use the worker's own credentials as they are, which
    is right for a single account only. `calls_per_second` bounds us per account and service.
    """

    accounts: dict[Account, AwsAccount] = Field(min_length=1)
    role: str = ""
    external_id: str = ""
    calls_per_second: float = Field(default=15, gt=0)
    propagation: float = Field(default=15, ge=0)


class Protected(_Strict):
    """What no plan may touch, by why. ARNs or globs; each kind is refused by its own guard."""

    orchestrator: tuple[Arn, ...] = ()
    break_glass: tuple[Arn, ...] = ()
    log_delivery: tuple[Arn, ...] = ()
    journal: tuple[Arn, ...] = ()


class Estate(_Strict):
    """All that belongs to the lab, by provider."""

    aws: AwsEstate | None = None
    protected: Protected = Protected()
