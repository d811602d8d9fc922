// SPDX-License-Identifier: Apache-2.0
// The signed messages of remote operations, from their documentation and not from our C code.

import crypto from 'node:crypto';
import fs from 'node:fs';

import { instance } from './harness.mjs';

const raw = (publicKey) => publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
const keyId = (publicKey) => crypto.createHash('sha256').update(raw(publicKey)).digest().subarray(0, 16).toString('base64url');

// An envelope: signed over schema, a zero byte and the payload's bytes. `claimed`: the key that it says it is signed with.
export function seal(keys, schema, payload, claimed = keys) {
	const bytes = Buffer.from(JSON.stringify({ schema, ...payload }));
	return JSON.stringify({
		keyId: keyId(claimed.publicKey),
		payload: bytes.toString('base64'),
		signature: crypto.sign(null, Buffer.concat([Buffer.from(`${schema}\0`), bytes]), keys.privateKey).toString('base64'),
	});
}

// What an envelope holds. (Whether it is signed is the receiver's to ask.)
export const opened = ({ payload }) => JSON.parse(Buffer.from(JSON.parse(payload).payload, 'base64'));

export const topic = (identity, name) => `fleetport/1/${identity.id}/${name}`;

// The keys that dispatch signs with: a file of libsodium's, seed and public key.
export function operationKeys() {
	const seed = fs.readFileSync(instance.path('secrets/operation.key')).subarray(0, 32);
	const privateKey = crypto.createPrivateKey({
		key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8',
	});
	return { privateKey, publicKey: crypto.createPublicKey(privateKey) };
}
