// SPDX-License-Identifier: Apache-2.0
// An agent's side of the wire, for the history generator and for tests: enrols by an invitation, sends reports.
// It knows the wire from its documentation, not from our C code.

import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';

// A UUID of version 7: time first.
export function uuid7(at = Date.now()) {
	const bytes = crypto.randomBytes(16);
	bytes.writeUIntBE(at, 0, 6);
	bytes[6] = (bytes[6] & 0x0f) | 0x70;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	const text = bytes.toString('hex');
	return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
}

// A P-256 key and a request for a certificate over it. (Node makes no requests; OpenSSL does.)
export function makeRequest() {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fp-csr-'));
	try {
		const key = path.join(folder, 'key.pem');
		const csr = execFileSync('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
			'-keyout', key, '-subj', '/CN=agent'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
		return { key: fs.readFileSync(key, 'utf8'), csr };
	} finally {
		fs.rmSync(folder, { recursive: true });
	}
}

export class Wire {
	// connect: "127.0.0.1:8443"; ca: PEM
	constructor({ connect, ca, host = 'agents.localhost' }) {
		const [address, port] = connect.split(':');
		Object.assign(this, { address, port: Number(port), ca, host });
		this.agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
	}

	close() {
		this.agent.destroy();
	}

	// One request; identity {key, certificate} for mTLS. → {status, headers, body, json}
	request(method, path_, { body, headers = {}, identity, agent = this.agent, timeout = 20000 } = {}) {
		return new Promise((resolve, reject) => {
			const request = https.request({
				host: this.address, port: this.port, method, path: path_, ca: this.ca, servername: this.host, agent, timeout,
				key: identity?.key, cert: identity?.certificate,
				headers: { Host: `${this.host}:${this.port}`, ...headers },
			}, (answer) => {
				const parts = [];
				answer.on('data', (part) => parts.push(part));
				answer.on('error', reject);
				answer.on('end', () => {
					const text = Buffer.concat(parts).toString();
					let json;
					try { json = JSON.parse(text); } catch { json = undefined; }
					resolve({ status: answer.statusCode, headers: answer.headers, body: text, json });
				});
			});
			request.on('timeout', () => request.destroy(new Error('timeout')));
			request.on('error', reject);
			if (body !== undefined) request.write(body);
			request.end();
		});
	}

	post(path_, value, options = {}) {
		return this.request('POST', path_, {
			...options, body: typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value),
			headers: { 'Content-Type': 'application/json', ...options.headers },
		});
	}

	// invitation: HOST#CODE#PIN
	async enrol(invitation, { type = 'dc', version = '1.0.0', request = makeRequest(), eventKeys = crypto.generateKeyPairSync('ed25519') } = {}) {
		const [, code] = invitation.split('#');
		const answer = await this.post('/v1/enroll', {
			code, csr: request.csr,
			eventKey: eventKeys.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64'),
			agent: { type, version, os: { name: 'Debian GNU/Linux', version: '12', productType: 'server' } },
		});
		if (answer.status !== 201) throw Object.assign(new Error(`enrolment: ${answer.status} ${answer.body}`), { answer });
		return {
			id: answer.json.agentId, type, version, key: request.key, certificate: answer.json.certificate, csr: request.csr,
			eventKeys, answer: answer.json,
		};
	}

	report(identity, devices, { reportId = uuid7(), collectionType = 'scheduled', ...more } = {}) {
		return {
			schema: 'fleetport.report/1', reportId,
			agent: {
				id: identity.id, type: identity.type, version: identity.version, collectionType, sentAt: new Date().toISOString(),
				os: { name: 'Debian GNU/Linux', version: '12', productType: 'server' },
			},
			devices, ...more,
		};
	}

	sendReport(identity, report, options = {}) {
		return this.post('/v1/reports', report, { identity, ...options });
	}
}
