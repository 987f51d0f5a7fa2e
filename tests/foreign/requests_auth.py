"""PyPI's `requests-http-signature`, an authentication of `requests`, for tests/tests/foreign_signatures.rs."""

from datetime import timedelta

import peer
import requests
from requests_http_signature import HTTPSignatureAuth, InvalidSignature, algorithms

ALGORITHMS = {
    "ed25519": algorithms.ED25519,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
}


def prepared(message, auth=None):
    return requests.Request(
        message.method, message.url, headers=message.headers, data=message.body or None, auth=auth
    ).prepare()


def sign_and_send(job, signed, sent):
    auth = HTTPSignatureAuth(
        signature_algorithm=ALGORITHMS[job["algorithm"]],
        key_id=job["keyid"],
        key_resolver=peer.Keys(job["key"]),
        covered_component_ids=job["components"],
        tag="trusted-app",
        include_alg=False,
        use_nonce=True,
        expires_in=timedelta(seconds=60),
        use_existing_digest=True,
    )
    request = prepared(signed, auth)
    # What happens to it on its way.
    changed = prepared(sent)
    request.method, request.url, request.body = changed.method, changed.url, changed.body
    request.headers.update(changed.headers)
    return peer.answer_of(requests.Session().send(request, timeout=10))


def verify(job, message):
    try:
        result = HTTPSignatureAuth.verify(
            prepared(message),
            require_components=job["components"],
            signature_algorithm=ALGORITHMS[job["algorithm"]],
            key_resolver=peer.Keys(job["key"]),
            expect_tag="trusted-app",
        )
    except InvalidSignature:
        return False
    return result.parameters["keyid"] == job["keyid"]


peer.run(sign_and_send, verify)
