"""A small lab at the emulated Google, with a vendor in it in several forms."""

ORG = "//cloudresourcemanager.googleapis.com/organizations/1"
LAB = "//cloudresourcemanager.googleapis.com/projects/lab"
BUCKET = "//storage.googleapis.com/deliveries"
OBJECT = "//storage.googleapis.com/deliveries/objects/batch.json"
OPEN_OBJECT = "//storage.googleapis.com/legacy/objects/old.csv"
ROBOT = "loader@lab.iam.gserviceaccount.com"
ROBOT_NAME = f"//iam.googleapis.com/projects/lab/serviceAccounts/{ROBOT}"
VENDOR_ROBOT = "pusher@mercor-prod.iam.gserviceaccount.com"
ANA = "user:ana@mercor.example"
EVE = "user:eve@lab.example"
STRANGER = "user:joe@elsewhere.example"
OPERATOR = "operator"
SUBJECT = (
    "principal://iam.googleapis.com/projects/77/locations/global/"
    "workloadIdentityPools/ci/subject/repo-x"
)
POOL_SET = (
    "principalSet://iam.googleapis.com/projects/77/locations/global/"
    "workloadIdentityPools/ci/attribute.repository/mercor"
)
GUESTS = "principalSet://iam.googleapis.com/locations/global/workforcePools/guests/group/mercor"
ZOE = "principal://iam.googleapis.com/locations/global/workforcePools/guests/subject/zoe"

ESTATE = f"""
organization:
  id: "1"
  domain: lab.example
  customer: C0lab
  admins: ["serviceAccount:stopline@lab.iam.gserviceaccount.com"]
  bindings:
    - role: roles/resourcemanager.organizationAdmin
      members: ["user:eve@lab.example", "serviceAccount:stopline@lab.iam.gserviceaccount.com"]
    - role: roles/iam.denyAdmin
      members: ["serviceAccount:stopline@lab.iam.gserviceaccount.com"]
customers: {{C0mercor: [mercor.example]}}
folders:
  - {{id: "100", name: research}}
projects:
  - id: lab
    number: "77"
    parent: folders/100
    bindings:
      - role: roles/viewer
        members: ["group:annotators@lab.example"]
      - role: roles/iam.serviceAccountAdmin
        members: ["serviceAccount:stopline@lab.iam.gserviceaccount.com"]
      - role: roles/storage.admin
        members: ["serviceAccount:stopline@lab.iam.gserviceaccount.com"]
      - role: roles/storage.objectViewer
        members: ["user:ana@mercor.example"]
        condition:
          title: deliveries only
          expression: resource.name.startsWith("projects/_/buckets/deliveries")
      - role: roles/pubsub.subscriber
        members: ["{POOL_SET}", "{GUESTS}"]
      - role: roles/owner
        members: ["user:eve@lab.example", "user:old@mercor.example"]
  - {{id: quiet, number: "78"}}
  - {{id: mercor-prod, number: "900", outside: true}}
accounts:
  - {{project: lab, name: stopline}}
  - project: lab
    name: loader
    keys:
      - {{id: k1}}
      - {{id: k2, disabled: true}}
      - {{id: s1, system: true}}
    bindings:
      - role: roles/iam.serviceAccountTokenCreator
        members: ["user:ana@mercor.example"]
  - project: lab
    name: leaked
    held: true
    keys: [{{id: k3, disabled: true, reason: SERVICE_ACCOUNT_KEY_DISABLE_REASON_EXPOSED}}]
  - {{project: mercor-prod, name: pusher}}
users:
  - {{email: eve@lab.example, admin: true}}
  - {{email: vendor.bob@lab.example, unit: /Vendors}}
groups:
  - email: annotators@lab.example
    members: [inner@lab.example]
  - email: inner@lab.example
    members: [ana@mercor.example, vendor.bob@lab.example]
pools:
  - project: lab
    id: ci
    subjects: [{{id: repo-x, attributes: {{repository: mercor}}}}]
  - id: guests
    subjects: [{{id: zoe, groups: [mercor]}}]
buckets:
  - name: deliveries
    project: lab
    bindings:
      - role: roles/storage.objectAdmin
        members: ["serviceAccount:{VENDOR_ROBOT}", "serviceAccount:{ROBOT}"]
    objects: [{{name: batch.json, content: "[1]"}}, {{name: in/new.json, content: "[0]"}}]
    folders:
      - name: in/
        bindings:
          - role: roles/storage.objectViewer
            members: ["user:joe@elsewhere.example"]
  - name: legacy
    project: lab
    uniform: false
    versioning: true
    bindings:
      - role: roles/storage.objectViewer
        members: [allUsers]
    acl: {{user-pusher@mercor-prod.iam.gserviceaccount.com: WRITER}}
    objects:
      - {{name: old.csv, content: first, acl: {{user-ana@mercor.example: OWNER}}}}
      - {{name: old.csv, content: second}}
hmac_keys:
  - {{id: GOOG1, project: lab, account: {ROBOT}}}
datasets:
  - id: answers
    project: lab
    access:
      - {{role: OWNER, specialGroup: projectOwners}}
      - {{role: READER, userByEmail: ana@mercor.example}}
      - {{view: {{projectId: lab, datasetId: answers, tableId: shared}}}}
roles:
  - name: organizations/1/roles/labeller
    permissions: [storage.objects.get, storage.objects.list]
things:
  - name: //bigquery.googleapis.com/projects/lab/datasets/answers/tables/t
    kind: bigquery.googleapis.com/Table
    project: lab
    parent: //bigquery.googleapis.com/projects/lab/datasets/answers
  - name: //pubsub.googleapis.com/projects/lab/topics/done
    kind: pubsub.googleapis.com/Topic
    project: lab
    bindings:
      - role: roles/pubsub.publisher
        members: ["domain:mercor.example"]
"""
