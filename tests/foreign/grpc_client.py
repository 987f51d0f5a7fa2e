"""A foreign gRPC client: what it sees of a tracker behind the layer, and a signature that it makes itself.

It prints one line a check and fails at the first that is not as it should be. The tests start it.
"""

import argparse
import base64
import pathlib
import time

import grpc
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

MAGIC = "-1159983122"


def messages(descriptors):
    """The message classes of issues.v1, from the descriptors that the server's build wrote."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
    return lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"issues.v1.{name}"))


def signed(key, application, user, url):
    """The Seraph headers of version 3, made with nothing of ours."""
    created = str(int(time.time() * 1000))
    text = f"{created}\n{url}\n{user}".encode()
    certificate = base64.b64encode(f"{created}\n{user}\n{MAGIC}".encode()).decode()
    signature = base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA1())).decode()
    return [
        ("x-seraph-trusted-app-id", application),
        ("x-seraph-trusted-app-cert", certificate),
        ("x-seraph-trusted-app-version", "3"),
        ("x-seraph-trusted-app-signature", signature),
    ]


def refusal(call, *arguments, **named):
    """Code and reason of an RPC that must fail."""
    try:
        answer = call(*arguments, **named)
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        assert status is not None, f"no details: {error}"
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                assert info.domain == "trusted-app", info
                return status.code, info.reason
        raise AssertionError(f"no ErrorInfo among {status.details}")
    raise AssertionError(f"accepted: {answer}")


def check(what, found, expected):
    assert found == expected, f"{what}: {found}, not {expected}"
    print(f"ok: {what}: {found}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True, help="host:port of a tracker that trusts the application")
    parser.add_argument("--broken", required=True, help="host:port of one whose key store is down")
    parser.add_argument("--application", required=True)
    parser.add_argument("--key", required=True, help="a file with the application's private key")
    parser.add_argument("--descriptors", required=True)
    options = parser.parse_args()

    key = serialization.load_pem_private_key(pathlib.Path(options.key).read_bytes(), None)
    message = messages(pathlib.Path(options.descriptors).read_bytes())
    request = message("GetRequest")(key="HSP-1")

    with grpc.insecure_channel(options.server) as channel, grpc.insecure_channel(options.broken) as broken:

        def unary(channel, method, answer):
            return channel.unary_unary(
                f"/issues.v1.Issues/{method}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=message(answer).FromString,
            )

        get = unary(channel, "Get", "Issue")
        url = f"http://{options.server}/issues.v1.Issues/Get"
        alice = signed(key, options.application, "alice", url)

        check("unsigned", refusal(get, request, timeout=10), (16, "MISSING_CERT"))
        nobody = signed(key, options.application, "nobody", url)
        check("unknown user", refusal(get, request, metadata=nobody, timeout=10), (16, "USER_UNKNOWN"))
        bob_as_alice = [
            theirs if theirs[0].endswith("-cert") else ours
            for ours, theirs in zip(signed(key, options.application, "bob", url), alice)
        ]
        check("another user's certificate", refusal(get, request, metadata=bob_as_alice, timeout=10), (16, "BAD_SIGNATURE"))
        # The path rule has no Import.
        forbidden = unary(channel, "Import", "ImportSummary")
        elsewhere = signed(key, options.application, "alice", url.replace("/Get", "/Import"))
        check("RPC not allowed", refusal(forbidden, request, metadata=elsewhere, timeout=10), (7, "BAD_URL"))
        down = unary(broken, "Get", "Issue")
        url_of_broken = f"http://{options.broken}/issues.v1.Issues/Get"
        credentials = signed(key, options.application, "alice", url_of_broken)
        check("store down", refusal(down, request, metadata=credentials, timeout=10), (14, "UNAVAILABLE"))

        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        check("health without a signature", health.status, health_pb2.HealthCheckResponse.SERVING)
        issue = get(request, metadata=alice, timeout=10)
        check("signed by Python", (issue.key, issue.summary), ("HSP-1", "seen by alice"))


if __name__ == "__main__":
    main()
