"""The libraries of Python, and what other projects publish. Reads the lines of the other scripts from
standard input and writes the whole file."""

import base64
import hashlib
import json
import sys
from importlib.metadata import version

import argon2
import django
import passlib.hash as passlib
import werkzeug.security as werkzeug
from django.conf import settings
from django.contrib.auth import hashers

settings.configure()
django.setup()

PLAIN = "correct horse battery"
UNICODE = "pässwörd ✓ 密码"
LONG = "0123456789" * 9
PASSLIB = f"passlib {version('passlib')}"
DJANGO = f"Django {version('django')}"
WERKZEUG = f"Werkzeug {version('werkzeug')}"

entries = [json.loads(line) for line in sys.stdin if line.strip()]


def add(form, by, password, made):
    entries.append({"form": form, "by": by, "password": password, "hash": made})


add("argon2", f"argon2-cffi {version('argon2-cffi')}", PLAIN, argon2.PasswordHasher().hash(PLAIN))
for scheme in ["pbkdf2_sha1", "pbkdf2_sha256", "pbkdf2_sha512"]:
    add("pbkdf2 passlib", PASSLIB, UNICODE, getattr(passlib, scheme).using(rounds=1000).hash(UNICODE))
bcrypt_sha256 = passlib.bcrypt_sha256
for password in [PLAIN, LONG]:
    add("bcrypt-sha256", PASSLIB, password, bcrypt_sha256.using(rounds=4).hash(password))
    add("bcrypt-sha256", PASSLIB, password, bcrypt_sha256.using(rounds=4, version=1).hash(password))
for password in [PLAIN, UNICODE, "x" * 71]:
    add("bcrypt of 1997", PASSLIB, password, passlib.bcrypt.using(rounds=4, ident="2").hash(password))


def of_django(hasher, password, **costs):
    hasher = type("Cheap", (hasher,), costs)()
    return hasher.encode(password, hasher.salt())


add("pbkdf2 django", DJANGO, UNICODE, of_django(hashers.PBKDF2PasswordHasher, UNICODE, iterations=1000))
add("pbkdf2 django", DJANGO, UNICODE, of_django(hashers.PBKDF2SHA1PasswordHasher, UNICODE, iterations=1000))
add("scrypt django", DJANGO, UNICODE, of_django(hashers.ScryptPasswordHasher, UNICODE, work_factor=16, parallelism=2))
add("scrypt django", DJANGO, PLAIN, of_django(hashers.ScryptPasswordHasher, PLAIN))
add("argon2 django", DJANGO, UNICODE, of_django(hashers.Argon2PasswordHasher, UNICODE, memory_cost=64, parallelism=8))
add("bcrypt django", DJANGO, UNICODE, of_django(hashers.BCryptPasswordHasher, UNICODE, rounds=4))
for password in [UNICODE, LONG]:
    add("bcrypt_sha256 django", DJANGO, password, of_django(hashers.BCryptSHA256PasswordHasher, password, rounds=4))

for method in ["scrypt:16:8:2", "scrypt", "pbkdf2:sha1:1000", "pbkdf2:sha256:1000", "pbkdf2:sha512:1000"]:
    add(method.split(":")[0] + " werkzeug", WERKZEUG, UNICODE, werkzeug.generate_password_hash(UNICODE, method))

# By hand: the same scheme with a key of several blocks.
SALT = b"0123456789abcdef"
for digest, length in [("sha1", 64), ("sha256", 64), ("sha512", 128)]:
    key = hashlib.pbkdf2_hmac(digest, PLAIN.encode(), SALT, 1000, length)
    salt, key = (base64.b64encode(part).decode().rstrip("=") for part in (SALT, key))
    add("pbkdf2 phc", "Python's hashlib", PLAIN, f"$pbkdf2-{digest}$i=1000,l={length}${salt}${key}")

# Published by the projects themselves, or in the tests of others who verified them there.
MICROSOFT = "dotnet/aspnetcore, PasswordHasherTest.cs"
for form, made in [
    ("asp.net identity 2", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg=="),
    ("asp.net identity 2", "ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A=="),
    ("asp.net identity 3", "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw=="),
]:
    add(form, MICROSOFT, "my password", made)

# By hand: the PRF of the default since .NET 7, and SHA-1 with a longer salt, in the same layout.
for number, digest, salt in [(2, "sha512", SALT), (0, "sha1", SALT * 2)]:
    key = hashlib.pbkdf2_hmac(digest, UNICODE.encode(), salt, 1000, 32)
    numbers = b"".join(part.to_bytes(4, "big") for part in (number, 1000, len(salt)))
    made = base64.b64encode(b"\x01" + numbers + salt + key).decode()
    add("asp.net identity 3", "Python's hashlib", UNICODE, made)

SPRING = "Spring Security, reference, Password Storage"
for made in [
    "{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG",
    "{pbkdf2}5d923b44a6d129f3ddf3e3c8d29412723dcbde72445e8ef6bf3b508fbf17fa4ed4d6b99ca763d8dc",
    "{scrypt}$e0801$8bWJaSu2IKSn9Z9kM+TPXfOc/9bdYSrN1oD9qfVThWEwdRTnO7re7Ei+fUZRJ68k9lTyuTeUp4of4g24hHnazw==$OAOec05+bXxvuu/1qZ6NUR+xQYvYv7BeL1QxwRpY5Pc=",
]:
    add("spring", SPRING, "password", made)
# By hand: Spring 5.8 appends the key to the salt.
key = hashlib.pbkdf2_hmac("sha256", UNICODE.encode(), SALT, 310_000, 32)
add("spring", "Python's hashlib", UNICODE, "{pbkdf2@SpringSecurity_v5_8}" + (SALT + key).hex())
key = hashlib.scrypt(UNICODE.encode(), salt=SALT, n=65536, r=8, p=1, dklen=32, maxmem=2**27)
salt, key = (base64.b64encode(part).decode() for part in (SALT, key))
add("spring", "Python's hashlib", UNICODE, "{scrypt@SpringSecurity_v5_8}$100801$" + f"{salt}${key}")
cheap = argon2.PasswordHasher(memory_cost=64, time_cost=2, parallelism=1).hash(UNICODE)
add("spring", f"argon2-cffi {version('argon2-cffi')}", UNICODE, "{argon2@SpringSecurity_v5_8}" + cheap)

add(
    "fbscrypt",
    "supabase/auth, password_test.go",
    "mytestpassword",
    "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==",
)


def keycloak(by, password, secret, data):
    add("keycloak", by, password, {"secretData": json.dumps(secret), "credentialData": json.dumps(data)})


ARGON2 = {
    "hashIterations": 5,
    "algorithm": "argon2",
    "additionalParameters": {
        "hashLength": ["32"],
        "memory": ["7168"],
        "type": ["id"],
        "version": ["1.3"],
        "parallelism": ["1"],
    },
}
keycloak(
    "an export of Keycloak 26, in public tests",
    "secret",
    {"value": "xKjWvB9+0sSP6wTqI1JoEI7w+iA0x9VDhPgmrOHRG80=", "salt": "LRScGShC7shkdoU5B1UgUQ==", "additionalParameters": {}},
    ARGON2,
)
keycloak(
    "a realm of Keycloak, in public examples",
    "password",
    {"value": "JsfNbCOIdZUbyBJ+BT+VoGI91Ec2rWLOvkLPDaX8e9k=", "salt": "P5rtFkGtPfoaryJ6PizUJw==", "additionalParameters": {}},
    {"hashIterations": 27500, "algorithm": "pbkdf2-sha256", "additionalParameters": {}},
)
for algorithm, digest, length in [("pbkdf2", "sha1", 64), ("pbkdf2-sha256", "sha256", 64), ("pbkdf2-sha512", "sha512", 64)]:
    key = hashlib.pbkdf2_hmac(digest, UNICODE.encode(), SALT, 1000, length)
    salt, key = (base64.b64encode(part).decode() for part in (SALT, key))
    keycloak(
        "Python's hashlib",
        UNICODE,
        {"value": key, "salt": salt, "additionalParameters": {}},
        {"hashIterations": 1000, "algorithm": algorithm, "additionalParameters": {}},
    )

print("[")
print(",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries))
print("]")
