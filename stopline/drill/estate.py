"""Seed an estate of three accounts in which `mercor` lives beside look-alikes.

The traps are those that break tools of this kind: names that only look alike, a user outside of
the vendor's path, keys that were Inactive before, roles reached by chaining, policies with odd
but legal texts that must come back byte for byte, buckets without a policy, an ACL grant, roles
that others share, a bucket to be preserved, and principals whose quotas are full.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from stopline.drill import doors
from stopline.drill import manifest as m
from stopline.drill.access import WORKER_ROLE, Access, Credentials
from stopline.drill.manifest import DATA, LAB, RESEARCH, Manifest, Person, Store, Way
from stopline.text import Json

OWNER = Credentials("owner", "owner")
WORK: Json = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::exchange-*", "arn:aws:s3:::no-policy-*"],
        },
    ],
}
ARCHIVE: Json = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::evidence-*"},
    ],
}
QUEUES: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}],
}
EVERYTHING: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def trust(principal: Json, condition: Json = None, action: str = "sts:AssumeRole") -> Json:
    """A trust policy of one statement."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


@dataclass
class _Seeding:
    access: Access
    vendor_users: list[Person] = field(default_factory=list)
    vendor_roles: list[Way] = field(default_factory=list)
    vendor_buckets: list[Store] = field(default_factory=list)
    bystander_users: list[Person] = field(default_factory=list)
    bystander_roles: list[Way] = field(default_factory=list)
    bystander_buckets: list[Store] = field(default_factory=list)
    left_open: list[Way] = field(default_factory=list)
    shared_roles: list[Way] = field(default_factory=list)
    preserved: list[Store] = field(default_factory=list)
    still_writing: list[Store] = field(default_factory=list)

    def iam(self, account: str) -> Any:
        return self.access.client(account, "iam")

    def user(
        self,
        account: str,
        name: str,
        path: str,
        policy: Json,
        *,
        keys: str = "A",
        vendor: bool,
        tagged: bool = False,
    ) -> Person:
        """A user with one key for each letter: A is Active, I is Inactive."""
        iam = self.iam(account)
        tags = [{"Key": "vendor", "Value": "mercor"}] if tagged else []
        arn = iam.create_user(UserName=name, Path=path, Tags=tags)["User"]["Arn"]
        iam.put_user_policy(
            UserName=name, PolicyName="work", PolicyDocument=json.dumps(policy, indent=2)
        )
        made = []
        for letter in keys:
            key = iam.create_access_key(UserName=name)["AccessKey"]
            if letter == "I":
                iam.update_access_key(
                    UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive"
                )
            made.append((key["AccessKeyId"], key["SecretAccessKey"], letter == "A"))
        person = Person(account, name, arn, tuple(made))
        (self.vendor_users if vendor else self.bystander_users).append(person)
        return person

    def role(
        self,
        account: str,
        name: str,
        path: str,
        trusted: Json,
        by: str,
        into: list[Way],
        external_id: str = "",
    ) -> str:
        """A role that may use queues, and one who can take it."""
        iam = self.iam(account)
        role = iam.create_role(
            RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trusted)
        )["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=json.dumps(QUEUES))
        arn = str(role["Arn"])
        into.append(Way(account, name, arn, by, external_id))
        return arn

    def bucket(self, account: str, name: str, policy: str, by: str, *, vendor: bool) -> None:
        """A bucket with a policy text, verbatim, and one who can read it."""
        s3 = self.access.client(account, "s3")
        s3.create_bucket(Bucket=name)
        if policy:
            s3.put_bucket_policy(Bucket=name, Policy=policy)
        (self.vendor_buckets if vendor else self.bystander_buckets).append(Store(account, name, by))


def seed(url: str, *, size: int = 1) -> Manifest:
    """Fill an empty emulator; `size` multiplies users, roles and buckets of every kind."""
    seeding = _Seeding(Access(url, LAB))
    worker = _worker(seeding)
    for number in range(1, size + 1):
        _users(seeding, number)
        _roles(seeding, number)
        _buckets(seeding, number)
        _lab(seeding, number)
    _once(seeding)
    _shared(seeding)
    _evidence(seeding)
    _full(seeding)
    return Manifest(
        worker,
        tuple(seeding.vendor_users),
        tuple(seeding.vendor_roles),
        tuple(seeding.vendor_buckets),
        tuple(seeding.bystander_users),
        tuple(seeding.bystander_roles),
        tuple(seeding.bystander_buckets),
        tuple(seeding.left_open),
        tuple(seeding.shared_roles),
        tuple(seeding.preserved),
        tuple(seeding.still_writing),
        *doors.seed(seeding.access),
    )


def _worker(seeding: _Seeding) -> tuple[str, str]:
    """Stopline's own identity: a user here, and a role in each account that it assumes."""
    iam = seeding.iam(RESEARCH)
    arn = iam.create_user(UserName="stopline", Path="/stopline/")["User"]["Arn"]
    iam.put_user_policy(
        UserName="stopline", PolicyName="work", PolicyDocument=json.dumps(EVERYTHING)
    )
    key = iam.create_access_key(UserName="stopline")["AccessKey"]
    path, _, name = WORKER_ROLE.rpartition("/")
    for account in LAB:
        made = seeding.iam(account)
        made.create_role(
            RoleName=name,
            Path=f"/{path}/",
            AssumeRolePolicyDocument=json.dumps(trust({"AWS": arn})),
        )
        made.put_role_policy(
            RoleName=name, PolicyName="work", PolicyDocument=json.dumps(EVERYTHING)
        )
    return key["AccessKeyId"], key["SecretAccessKey"]


def _users(seeding: _Seeding, n: int) -> None:
    path = "/vendors/mercor/"
    seeding.user(RESEARCH, f"annotator-{n}", path, WORK, keys="AI", vendor=True, tagged=True)
    seeding.user(RESEARCH, f"reviewer-{n}", path, WORK, keys="AA", vendor=True)
    seeding.user(DATA, f"loader-{n}", f"{path}chordus/", QUEUES, vendor=True)
    seeding.user(RESEARCH, f"partner-bot-{n}", "/vendors/mercor-partners/", QUEUES, vendor=False)
    seeding.user(DATA, f"mercer-loader-{n}", "/vendors/mercer/", QUEUES, vendor=False)
    seeding.user(RESEARCH, f"mercor-liaison-{n}", "/staff/", QUEUES, keys="AI", vendor=False)


def _roles(seeding: _Seeding, n: int) -> None:
    one, two = m.VENDOR_ACCOUNTS
    path, into = "/vendors/mercor/", seeding.vendor_roles
    root, far = f"arn:aws:iam::{one}:root", f"arn:aws:iam::{two}:role/pipeline"
    bare = seeding.role(RESEARCH, f"intake-{n}", path, trust({"AWS": one}), root, into)
    seeding.role(DATA, f"export-{n}", "/", trust({"AWS": root}), root, into)
    seeding.role(DATA, f"pipeline-{n}", "/", trust({"AWS": [far]}), far, into)
    outside = {"StringEquals": {"sts:ExternalId": m.EXTERNAL_ID}}
    seeding.role(
        RESEARCH, f"handover-{n}", "/", trust({"AWS": "*"}, outside), root, into, m.EXTERNAL_ID
    )
    accounts = {"StringEquals": {"aws:PrincipalAccount": [one, two]}}
    seeding.role(m.PLATFORM, f"deploy-{n}", "/", trust({"AWS": "*"}, accounts), far, into)
    seeding.role(DATA, f"chained-{n}", "/", trust({"AWS": bare}), bare, into)
    user = f"arn:aws:iam::{RESEARCH}:user/vendors/mercor/annotator-{n}"
    seeding.role(RESEARCH, f"by-user-{n}", "/", trust({"AWS": user}), user, into)
    others = seeding.bystander_roles
    mercer = f"arn:aws:iam::{m.LOOKALIKE_ACCOUNT}:root"
    seeding.role(DATA, f"mercer-{n}", "/vendors/mercer/", trust({"AWS": mercer}), mercer, others)
    staff = f"arn:aws:iam::{RESEARCH}:user/staff/mercor-liaison-{n}"
    seeding.role(RESEARCH, f"mercor-desk-{n}", "/staff/", trust({"AWS": staff}), staff, others)


def _policy(bucket: str, *principals: str) -> Json:
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    named: Json = principals[0] if len(principals) == 1 else list(principals)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Work",
                "Effect": "Allow",
                "Principal": {"AWS": named},
                "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
                "Resource": arns,
            }
        ],
    }


def _buckets(seeding: _Seeding, n: int) -> None:
    root = f"arn:aws:iam::{m.VENDOR_ACCOUNTS[0]}:root"
    far = f"arn:aws:iam::{m.VENDOR_ACCOUNTS[1]}:role/pipeline"
    mercer = f"arn:aws:iam::{m.LOOKALIKE_ACCOUNT}:root"
    plain = _policy(f"training-data-{n}", root)
    seeding.bucket(DATA, f"training-data-{n}", json.dumps(plain, indent=4), root, vendor=True)
    single = _policy(f"rubrics-{n}", far)
    single = {"Version": "2008-10-17", "Id": "kept", "Statement": single["Statement"][0]}
    seeding.bucket(DATA, f"rubrics-{n}", json.dumps(single), far, vendor=True)
    both = _policy(f"exchange-{n}", root, mercer)
    seeding.bucket(RESEARCH, f"exchange-{n}", json.dumps(both), root, vendor=True)
    seeding.bystander_buckets.append(Store(RESEARCH, f"exchange-{n}", mercer))
    star = _policy(f"drops-{n}", "*")
    star["Statement"][0]["Condition"] = {
        "StringEquals": {"aws:PrincipalAccount": list(m.VENDOR_ACCOUNTS)}
    }
    seeding.bucket(m.PLATFORM, f"drops-{n}", f"\n{json.dumps(star)}\n", far, vendor=True)
    own = f"arn:aws:iam::{RESEARCH}:user/vendors/mercor/reviewer-{n}"
    seeding.bucket(RESEARCH, f"no-policy-{n}", "", own, vendor=True)
    other = _policy(f"mercer-data-{n}", mercer)
    seeding.bucket(DATA, f"mercer-data-{n}", json.dumps(other), mercer, vendor=False)
    seeding.bucket(m.PLATFORM, f"lab-private-{n}", "", "", vendor=False)


def _lab(seeding: _Seeding, n: int) -> None:
    """The lab's own, so many that the vendor is never most of an account, however large it is."""
    for account in LAB:
        user = seeding.user(account, f"engineer-{n}", "/staff/", QUEUES, vendor=False)
        others, trusted = seeding.bystander_roles, trust({"AWS": user.arn})
        for number in range(1, 5):
            seeding.role(account, f"research-{n}-{number}", "/lab/", trusted, user.arn, others)
        for number in range(1, 4):
            own = f"lab-{account}-{n}-{number}"
            policy = json.dumps(_policy(own, user.arn))
            seeding.bucket(account, own, policy, user.arn, vendor=False)


def _once(seeding: _Seeding) -> None:
    """What there is one of: a user outside the path, odd credentials, a provider, an ACL."""
    sync = seeding.user(RESEARCH, "svc-annotation-sync", "/services/", QUEUES, vendor=True)
    seeding.user(DATA, "pilot", "/", QUEUES, vendor=True, tagged=True)
    _odd_credentials(seeding.iam(RESEARCH), sync.name)
    provider = seeding.iam(RESEARCH).create_saml_provider(
        Name="mercor-idp", SAMLMetadataDocument="<EntityDescriptor/>".ljust(1024)
    )["SAMLProviderArn"]
    saml = trust({"Federated": provider}, action="sts:AssumeRoleWithSAML")
    seeding.role(RESEARCH, "console", "/", saml, provider, seeding.vendor_roles)
    admin = f"arn:aws:iam::{RESEARCH}:user/staff/mercor-liaison-1"
    for account in LAB:
        seeding.role(
            account,
            "responder",
            "/break-glass/",
            trust({"AWS": admin}),
            admin,
            seeding.bystander_roles,
        )
    seeding.bucket(m.PLATFORM, "lab-audit-logs", "", "", vendor=False)
    seeding.bucket(DATA, "scans", "", m.CANONICAL_ID, vendor=True)
    _grant(seeding.access.client(DATA, "s3"), "scans")


def _share(seeding: _Seeding, name: str, trusted: Json, theirs: str, *others: str) -> None:
    """A role that the vendor takes as `theirs`, and others as themselves."""
    arn = seeding.role(DATA, name, "/", trusted, theirs, seeding.shared_roles)
    for other in others:
        way = Way(DATA, name, arn, other)
        seeding.bystander_roles.append(way)


def _shared(seeding: _Seeding) -> None:
    """Roles that the vendor shares: by account, by identity provider, by chain, by external id."""
    one = f"arn:aws:iam::{m.VENDOR_ACCOUNTS[0]}:root"
    mercer = f"arn:aws:iam::{m.LOOKALIKE_ACCOUNT}:root"
    both = trust({"AWS": [one, mercer]})
    _share(seeding, "labelling-desk", both, one, mercer)
    iam = seeding.iam(DATA)
    idps = [
        iam.create_saml_provider(Name=name, SAMLMetadataDocument="<EntityDescriptor/>".ljust(1024))[
            "SAMLProviderArn"
        ]
        for name in ("mercor-idp", "lab-idp")
    ]
    federated = trust({"Federated": idps}, action="sts:AssumeRoleWithSAML")
    _share(seeding, "annotation-console", federated, *idps)
    intake = f"arn:aws:iam::{RESEARCH}:role/vendors/mercor/intake-1"
    staff = f"arn:aws:iam::{RESEARCH}:user/staff/mercor-liaison-1"
    _share(seeding, "behind-intake", trust({"AWS": [intake, staff]}), intake, staff)
    behind = f"arn:aws:iam::{DATA}:role/labelling-desk"
    _share(seeding, "behind-the-desk", trust({"AWS": behind}), behind, behind)


def _evidence(seeding: _Seeding) -> None:
    """A bucket that is to be preserved: the vendor and the lab write to it, and it expires."""
    name = f"evidence-{DATA}"
    root = f"arn:aws:iam::{m.VENDOR_ACCOUNTS[0]}:root"
    staff = seeding.user(DATA, "archivist", "/staff/", ARCHIVE, vendor=False)
    policy = _policy(name, root)
    policy["Statement"].append(
        {
            "Sid": "Logs",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{name}/logs/*",
        }
    )
    seeding.bucket(DATA, name, json.dumps(policy, indent=1), root, vendor=True)
    seeding.bystander_buckets.append(Store(DATA, name, staff.arn))
    s3 = seeding.access.client(DATA, "s3")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    rules: Json = [
        {"ID": "expire-drafts", "Filter": {"Prefix": "drafts/"}, "Status": "Enabled",
         "Expiration": {"Days": 7}},
        {"ID": "was-off", "Filter": {"Prefix": "old/"}, "Status": "Disabled",
         "Expiration": {"Days": 90}},
        {"Filter": {"Prefix": "raw/"}, "Status": "Enabled",
         "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
    ]  # fmt: skip
    s3.put_bucket_lifecycle_configuration(
        Bucket=name,
        LifecycleConfiguration={"Rules": rules},
        TransitionDefaultMinimumObjectSize="varies_by_storage_class",
    )
    admin = trust({"AWS": f"arn:aws:iam::{RESEARCH}:user/staff/mercor-liaison-1"})
    iam = seeding.iam(DATA)
    role = iam.create_role(
        RoleName="forensics", Path="/responders/", AssumeRolePolicyDocument=json.dumps(admin)
    )["Role"]
    iam.put_role_policy(RoleName="forensics", PolicyName="work", PolicyDocument=json.dumps(ARCHIVE))
    seeding.preserved.append(Store(DATA, name, staff.arn))
    seeding.still_writing += [
        Store(DATA, name, role["Arn"]),
        Store(DATA, name, "logging.s3.amazonaws.com"),
    ]


def _full(seeding: _Seeding) -> None:
    """A user and two roles with ten policies attached; one role's own policies are full as well."""
    iam, path = seeding.iam(RESEARCH), "/vendors/mercor/"
    arns = [
        iam.create_policy(PolicyName=f"lab-part-{n}", PolicyDocument=json.dumps(QUEUES))["Policy"][
            "Arn"
        ]
        for n in range(10)
    ]
    seeding.user(RESEARCH, "full-user", path, QUEUES, vendor=True)
    root = f"arn:aws:iam::{m.VENDOR_ACCOUNTS[0]}:root"
    for name in ("full-role", "fuller-role"):
        seeding.role(RESEARCH, name, path, trust({"AWS": root}), root, seeding.vendor_roles)
    long = {**QUEUES, "Statement": [{**QUEUES["Statement"][0], "Sid": "x" * 10_100}]}
    iam.put_role_policy(RoleName="fuller-role", PolicyName="long", PolicyDocument=json.dumps(long))
    for arn in arns:
        iam.attach_user_policy(UserName="full-user", PolicyArn=arn)
        for name in ("full-role", "fuller-role"):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)


def _grant(s3: Any, bucket: str) -> None:
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    grants = [
        {"Grantee": {"Type": "CanonicalUser", "ID": id_}, "Permission": permission}
        for id_, permission in ((owner["ID"], "FULL_CONTROL"), (m.CANONICAL_ID, "READ"))
    ]
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": owner, "Grants": grants})


def _odd_credentials(iam: Any, user: str) -> None:
    """A login, a group, SSH keys and a certificate: some Active, some not."""
    iam.create_login_profile(UserName=user, Password="Drill-0nly-passw0rd")  # noqa: S106 - emulated
    iam.create_group(GroupName="labelling")
    iam.add_user_to_group(GroupName="labelling", UserName=user)
    for number, status in enumerate(("Active", "Inactive")):
        body = f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC{number} drill"
        key = iam.upload_ssh_public_key(UserName=user, SSHPublicKeyBody=body)["SSHPublicKey"]
        words = {"UserName": user, "SSHPublicKeyId": key["SSHPublicKeyId"]}
        iam.update_ssh_public_key(**words, Status=status)
    iam.upload_signing_certificate(UserName=user, CertificateBody=_certificate())


def _certificate() -> str:
    """A self-signed certificate, made now; `cryptography` comes with the emulator."""
    from cryptography import x509  # noqa: PLC0415 - only the drill has it
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "drill")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
