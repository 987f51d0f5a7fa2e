"""RFC 7638 by PyPI's `jwcrypto`: JWKs, one a line, and their thumbprints."""

import sys

from jwcrypto.jwk import JWK

for line in sys.stdin:
    print(JWK.from_json(line).thumbprint())
