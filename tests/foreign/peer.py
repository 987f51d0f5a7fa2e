"""How a peer is told what to do: a JSON array of jobs on standard input, and one answer for each on standard output.

A job is either a message to be signed, with the request that is then sent (mostly the same one), or a message to be
verified. An exception of the peer's, other than a refusal, ends the program.
"""

import base64
import json
import sys
from dataclasses import dataclass, field

import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key


@dataclass
class Message:
    """A request as `http_message_signatures` wants it."""

    method: str
    url: str
    headers: dict
    body: bytes = field(default=b"")

    @classmethod
    def of(cls, job):
        return cls(job["method"], job["url"], dict(job["headers"]), base64.b64decode(job["body"]))


class Keys:
    """One key of the tests', which both sides have."""

    def __init__(self, pem):
        self.key = load_pem_private_key(pem.encode(), password=None)

    def resolve_private_key(self, key_id):
        return self.key

    def resolve_public_key(self, key_id):
        return self.key.public_key()


def send(message):
    """Sends it as it stands, and returns what the test wants to know of the answer."""
    request = requests.Request(message.method, message.url, headers=message.headers, data=message.body or None)
    return answer_of(requests.Session().send(request.prepare(), timeout=10))


def answer_of(response):
    return {"status": response.status_code, "code": response.headers.get("Trusted-App-Error"), "body": response.text}


def run(sign_and_send, verify):
    """`sign_and_send(job, signed, sent)` returns an answer, `verify(job, message)` whether the message is accepted."""
    answers = []
    for job in json.load(sys.stdin):
        if "verify" in job:
            answers.append(verify(job, Message.of(job["verify"])))
        else:
            answers.append(sign_and_send(job, Message.of(job["signed"]), Message.of(job["sent"])))
    json.dump(answers, sys.stdout)
