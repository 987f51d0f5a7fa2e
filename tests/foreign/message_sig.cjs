// npm's `http-message-sig`, for tests/tests/foreign_signatures.rs.

const { createPrivateKey, createPublicKey, randomBytes, webcrypto } = require('node:crypto');
const { createSignature, isSignatureError, verifySignature, webcrypto: keys } = require('http-message-sig');
const { run } = require('./peer.cjs');

const ALGORITHMS = { ed25519: 'Ed25519', 'rsa-pss-sha512': { name: 'RSA-PSS', hash: 'SHA-512' } };

function descriptor({ method, url, headers }) {
    const fields = Object.entries(headers).map(([name, value]) => ({ name, value }));
    return { kind: 'request', method, targetUri: url, fields };
}

async function sign({ algorithm, components, key, keyid }, signed) {
    const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
    const privateKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHMS[algorithm], false, ['sign']);
    const created = Math.floor(Date.now() / 1000);
    const nonce = randomBytes(16).toString('base64url');
    const { signature, signatureInput } = await createSignature(descriptor(signed), {
        components,
        parameters: { created, expires: created + 60, nonce, keyid, tag: 'trusted-app' },
        signer: keys.signer(privateKey),
    });
    return { 'Signature-Input': signatureInput, Signature: signature };
}

async function verify({ algorithm, components, key, keyid }, received) {
    const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
    const publicKey = await webcrypto.subtle.importKey('spki', der, ALGORITHMS[algorithm], false, ['verify']);
    try {
        const { parameters } = await verifySignature(descriptor(received), {
            policy: {
                algorithms: [algorithm],
                requiredComponents: components,
                requiredParameters: ['created', 'expires', 'nonce', 'keyid', 'tag'],
                maxAge: 60,
                clockSkew: 5,
            },
            resolveVerifier: () => keys.verifier(publicKey),
        });
        return parameters.keyid === keyid && parameters.tag === 'trusted-app';
    } catch (error) {
        if (isSignatureError(error)) return false;
        throw error;
    }
}

run(sign, verify);
