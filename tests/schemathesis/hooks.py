"""Makes the examples of the document come true: logs schemathesis in, and puts real tokens and ids
where the examples have names for them."""

import os
import uuid

import requests
import schemathesis

URL = os.environ["TOKENKEEP_URL"]
SERVICE_KEY = os.environ["TOKENKEEP_SERVICE_KEY"]

# The password of the document's examples, so that those can delete the account.
PASSWORD = "correct horse"


# Some requests end the session or the account. So each operation has its own, for a second.
@schemathesis.auth(refresh_interval=1, cache_by_key=lambda case, context: case.operation.label)
class Account:
    def get(self, case, context):
        person = {"email": f"{uuid.uuid4()}@schemathesis.example", "password": PASSWORD}
        answer = requests.post(f"{URL}/auth/signup", json=person, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def set(self, case, account, context):
        schemes = {name for scheme in case.operation.definition.raw["security"] for name in scheme}
        if "accessToken" in schemes:
            case.headers["Authorization"] = f"Bearer {account['accessToken']}"
        if "serviceKey" in schemes:
            case.headers["Authorization"] = f"Bearer {SERVICE_KEY}"
        replace(case.body, "refreshToken", "REFRESH_TOKEN", account["refreshToken"])
        replace(case.body, "refresh_token", "REFRESH_TOKEN", account["refreshToken"])
        replace(case.body, "token", "REFRESH_TOKEN", account["refreshToken"])
        replace(case.body, "token", "ACCESS_TOKEN", account["accessToken"])
        replace(case.path_parameters, "id", "AAAAAAAAAAAAAAAAAAAAAA", account["sessionId"])


def replace(fields, name, example, value):
    if isinstance(fields, dict) and fields.get(name) == example:
        fields[name] = value
