"""Authlib, as an app that refreshes and logs out, and as an API that asks about a token."""

import os

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

WORKER, USER = os.environ["WORKER"], os.environ["USER_ID"]
app = OAuth2Session("app", token_endpoint_auth_method="none", revocation_endpoint_auth_method="none")
api = OAuth2Session("api", os.environ["SERVICE_KEY"])


def refresh(token):
    return app.refresh_token(f"{WORKER}/oauth/token", refresh_token=token)


def introspect(token):
    return api.introspect_token(f"{WORKER}/oauth/introspect", token=token).json()


tokens = refresh(os.environ["REFRESH_TOKEN"])
assert tokens["token_type"] == "Bearer" and tokens["expires_in"] > 3500
report = introspect(tokens["access_token"])
assert report["active"] and report["sub"] == USER
assert app.revoke_token(f"{WORKER}/oauth/revoke", token=tokens["refresh_token"]).status_code == 200
assert introspect(tokens["access_token"]) == {"active": False}
try:
    refresh(tokens["refresh_token"])
except OAuthError as error:
    assert error.error == "invalid_grant"
else:
    raise AssertionError("a session that was ended was refreshed")
