#!/usr/bin/env bash
# npm http-message-signatures 1.0.6 on Node.js 20.20: its signer for `rsa-pss-sha512` leaves the length of the salt to
# Node.js, whose default for signing is the largest that fits: 190 bytes for a key of 2048 bits. RFC 9421, section 3.3.1,
# says 64. A verifier that holds the length against the RFC rejects each of its signatures.
#
# Seen: "salt of 64 bytes: false", "salt of 190 bytes: true".
# Exits 0 if that is still so, 1 if it changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund http-message-signatures@1.0.6
cat >salt.cjs <<'JS'
const { constants, generateKeyPairSync, verify } = require('node:crypto');
const { createSigner } = require('http-message-signatures');

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const base = Buffer.from('"@method": GET\n"@signature-params": ("@method")');
(async () => {
  const signature = await createSigner(privateKey, 'rsa-pss-sha512', 'key').sign(base);
  for (const saltLength of [64, 190]) {
    const key = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
    console.log(`salt of ${saltLength} bytes: ${verify('sha512', base, key, signature)}`);
  }
})();
JS
seen=$(node salt.cjs)
echo "$seen"
[ "$seen" = "salt of 64 bytes: false
salt of 190 bytes: true" ]
