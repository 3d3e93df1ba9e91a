"""Authlib, as an API that takes access tokens of RFC 9068 and no others."""

import os

import requests
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

WORKER = os.environ["WORKER"]


class Validator(JWTBearerTokenValidator):
    def get_jwks(self):
        return requests.get(f"{WORKER}/.well-known/jwks.json", timeout=10).json()


validator = Validator(issuer=WORKER, resource_server=WORKER)


def user_of(token):
    claims = validator.authenticate_token(token)
    validator.validate_token(claims, [], None)
    return claims["sub"]
