"""Runs a recipe in Python: its `user_of` names the user of good tokens, and raises for bad ones."""

import json
import os
import runpy

user_of = runpy.run_path(os.environ["RECIPE"])["user_of"]
cases = json.loads(os.environ["CASES"])

for token in cases["good"]:
    assert user_of(token) == cases["user"]
for name, token in cases["bad"].items():
    try:
        user = user_of(token)
    except Exception:
        continue
    raise AssertionError(f"a token that is {name} passed: {user}")
