// npm's `http-message-signatures`, for tests/tests/foreign_signatures.rs.

const { createPrivateKey, createPublicKey, randomBytes } = require('node:crypto');
const { createSigner, createVerifier, httpbis } = require('http-message-signatures');
const { field, run } = require('./peer.cjs');

async function sign({ algorithm, components, key, keyid }, signed) {
    const now = Date.now();
    const { headers } = await httpbis.signMessage(
        {
            key: createSigner(createPrivateKey(key), algorithm, keyid),
            fields: components,
            params: ['created', 'expires', 'nonce', 'keyid', 'tag'],
            paramValues: {
                created: new Date(now),
                expires: new Date(now + 60_000),
                nonce: randomBytes(16).toString('base64url'),
                tag: 'trusted-app',
            },
        },
        signed,
    );
    return { 'Signature-Input': field(headers, 'signature-input'), Signature: field(headers, 'signature') };
}

async function verify({ algorithm, components, key, keyid }, received) {
    const verifier = createVerifier(createPublicKey(key), algorithm);
    try {
        const holds = await httpbis.verifyMessage(
            {
                keyLookup: async (params) =>
                    params.keyid === keyid && params.tag === 'trusted-app'
                        ? { id: keyid, algs: [algorithm], verify: verifier }
                        : null,
                requiredFields: components,
                requiredParams: ['created', 'expires', 'nonce', 'keyid', 'tag'],
                tolerance: 5,
            },
            received,
        );
        return holds === true;
    } catch {
        return false;
    }
}

run(sign, verify);
