// How a peer is told what to do, as peer.py says.

const { createHash } = require('node:crypto');
const http = require('node:http');
const { text } = require('node:stream/consumers');

/** A message's body is bytes. */
function message({ method, url, headers, body }) {
    return { method, url, headers: Object.fromEntries(headers), body: Buffer.from(body, 'base64') };
}

/** Neither of the packages makes a digest or looks at one. */
function contentDigest(body) {
    return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

function field(headers, wanted) {
    return Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

/** Whether the body is that of the digest. */
function bodyHolds({ headers, body }) {
    return body.length === 0 || field(headers, 'content-digest') === contentDigest(body);
}

/** Sends it as it stands, and returns what the test wants to know of the answer. */
function send({ method, url, headers, body }) {
    return new Promise((resolve, reject) => {
        const length = body.length === 0 ? {} : { 'Content-Length': body.length };
        const request = http.request(url, { method, headers: { ...headers, ...length }, timeout: 10_000 });
        request.on('error', reject);
        request.on('response', async (response) => {
            const code = response.headers['trusted-app-error'] ?? null;
            resolve({ status: response.statusCode, code, body: await text(response) });
        });
        request.end(body);
    });
}

/** `sign(job, signed)` returns the fields of the signature, `verify(job, message)` whether the message is accepted. */
async function run(sign, verify) {
    const answers = [];
    for (const job of JSON.parse(await text(process.stdin))) {
        if (job.verify) {
            const received = message(job.verify);
            answers.push((await verify(job, received)) && bodyHolds(received));
            continue;
        }
        const [signed, sent] = [message(job.signed), message(job.sent)];
        const digest = signed.body.length === 0 ? {} : { 'Content-Digest': contentDigest(signed.body) };
        signed.headers = { ...signed.headers, ...digest };
        const signature = await sign(job, signed);
        answers.push(await send({ ...sent, headers: { ...sent.headers, ...digest, ...signature } }));
    }
    process.stdout.write(JSON.stringify(answers));
}

module.exports = { field, run };
