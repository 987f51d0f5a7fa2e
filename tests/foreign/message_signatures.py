"""PyPI's `http-message-signatures`, for tests/tests/foreign_signatures.rs."""

from datetime import datetime, timedelta, timezone
from secrets import token_urlsafe

import peer
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, InvalidSignature, algorithms

ALGORITHMS = {
    "ed25519": algorithms.ED25519,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
}
MADE = ("content-digest", "signature-input", "signature")


def sign_and_send(job, signed, sent):
    signer = HTTPMessageSigner(signature_algorithm=ALGORITHMS[job["algorithm"]], key_resolver=peer.Keys(job["key"]))
    now = datetime.now(timezone.utc)
    signer.sign(
        signed,
        key_id=job["keyid"],
        created=now,
        expires=now + timedelta(seconds=60),
        nonce=token_urlsafe(16),
        tag="trusted-app",
        include_alg=False,
        covered_component_ids=job["components"],
        body=signed.body or None,
    )
    sent.headers |= {name: value for name, value in signed.headers.items() if name.lower() in MADE}
    return peer.send(sent)


def verify(job, message):
    verifier = HTTPMessageVerifier(
        signature_algorithm=ALGORITHMS[job["algorithm"]], key_resolver=peer.Keys(job["key"])
    )
    try:
        (result,) = verifier.verify(
            message, expect_tag="trusted-app", require_components=job["components"], body=message.body
        )
    except InvalidSignature:
        return False
    return result.parameters["keyid"] == job["keyid"]


peer.run(sign_and_send, verify)
